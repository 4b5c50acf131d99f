class QuotaError(Exception):
    """A share that cannot be computed; the message is a sentence for administrators."""
