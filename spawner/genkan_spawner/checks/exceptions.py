class ManifestError(ValueError):
    """A pod manifest that says something no pod can say; the message names the place and what is allowed."""
