class DoctorError(Exception):
    """The doctor cannot look at all; the message is a sentence for administrators."""


class UnreadableError(DoctorError):
    """The cluster does not answer."""
