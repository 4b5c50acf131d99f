"""What can go wrong with images.

ImagesError
├── ReportError     a scanner's report, a bill of materials or an archive that is not what it should be
└── ScannerError    a scanner that is not there, or that ended without a report
"""


class ImagesError(Exception):
    """A failure of this package, with a sentence for people."""


class ReportError(ImagesError):
    """A file about an image that cannot be read, or does not say what is needed: the gate stays shut."""


class ScannerError(ImagesError):
    """A scanner that gave no report: the gate stays shut."""
