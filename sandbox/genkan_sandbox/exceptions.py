"""What can go wrong in the sandbox, as sentences.

SandboxError
├── OptionError          an option or a combination of options that cannot be
├── SiteError            a site file that is not valid, with file, line and what is allowed
├── PlatformError        a file of Kubernetes objects that is not one
├── BinariesError        a component can be neither found, downloaded nor built
├── StateError           the state directory cannot be used
├── AddressError         an address or a port is taken
└── ComponentError       a component ended and could not be brought back
"""

from typing import ClassVar


class SandboxError(Exception):
    """A failure with a sentence for people and, where one is known, the mend.

    The command line prints both and leaves with `exit_code`; no traceback is shown.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, *, mend: str | None = None) -> None:
        super().__init__(sentence if mend is None else f"{sentence} {mend}")
        self.sentence = sentence
        self.mend = mend


class OptionError(SandboxError):
    """An option, or a combination of options, that cannot be."""

    exit_code = 2


class SiteError(SandboxError):
    """A site file that is not valid; the sentence names file, line and what is allowed."""

    exit_code = 2


class PlatformError(SandboxError):
    """A file of Kubernetes objects that cannot be read, or that lacks what the hub needs."""

    exit_code = 2


class BinariesError(SandboxError):
    """A component can be neither found, downloaded nor built."""


class StateError(SandboxError):
    """The state directory is in use, of another version, or cannot be written."""


class AddressError(SandboxError):
    """An address or a port that the sandbox needs is taken."""


class ComponentError(SandboxError):
    """A component of the sandbox ended and could not be brought back."""
