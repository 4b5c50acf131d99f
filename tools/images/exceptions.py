class WorkError(Exception):
    """A part of the work that could not be done, with a sentence for people."""
