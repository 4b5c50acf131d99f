"""What may not be shown or logged is taken out of texts that others wrote."""

import re

_SECRETS = (
    re.compile(
        r"(?i)((?:authorization|token|passw(?:or)?d|secret|api_?key)\S{0,40}?(?:\s{0,3}[=:]|\s)\s{0,3}[\"']?)"
        r"(?:(?:bearer|basic|token)\s{1,3})?\S+"
    ),
    # As long as JupyterHub's tokens, whatever stands before it.
    re.compile(r"()\b[0-9a-f]{32,}\b"),
)


def blanked(text: str) -> str:
    """Return a line of a log, or another's message, without what looks like a secret in it."""
    for secret in _SECRETS:
        text = secret.sub(r"\1...", text)
    return text.strip()
