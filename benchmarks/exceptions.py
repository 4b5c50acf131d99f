class BenchmarkError(Exception):
    """A benchmark could not be carried out; the message is a sentence for people."""
