"""The last lines of a server's log, for the person whose server it is."""

import re

from genkan_spawner.api import KubernetesApi
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS

LINES = 5
MOST_CHARACTERS = 600

_LOOKED_AT = 4000
"""Characters that are searched for secrets; more than are shown, so that none loses the name before it."""

_SECRETS = (
    re.compile(
        r"(?i)((?:authorization|token|passw(?:or)?d|secret|api_?key)\S{0,40}?(?:\s{0,3}[=:]|\s)\s{0,3}[\"']?)"
        r"(?:(?:bearer|basic|token)\s{1,3})?\S+"
    ),
    # As long as JupyterHub's tokens, whatever stands before it.
    re.compile(r"()\b[0-9a-f]{32,}\b"),
)


async def last_words(api: KubernetesApi, namespace: str, name: str) -> str:
    """Return what a pod's server said last, with whatever looks like a secret blanked; empty if it cannot be read.

    It needs the right to get `pods/log`.
    """
    path = PODS.path(namespace=namespace, name=name, subresource="log")
    for previous in ("false", "true"):
        query = {"container": "notebook", "tailLines": str(LINES), "previous": previous, "limitBytes": "65536"}
        try:
            text = await api.text(path, query=query)
        except KubernetesError:
            continue
        if text.strip():
            return " / ".join(map(blanked, text.strip()[-_LOOKED_AT:].splitlines()))[-MOST_CHARACTERS:]
    return ""


def blanked(line: str) -> str:
    """Return a line of a log without what looks like a secret in it."""
    for secret in _SECRETS:
        line = secret.sub(r"\1...", line)
    return line.strip()
