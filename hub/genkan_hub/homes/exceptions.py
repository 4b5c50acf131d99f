"""What can stand against an answer about homes."""


class HomesError(Exception):
    """A question about homes that cannot be answered, in a sentence for administrators."""
