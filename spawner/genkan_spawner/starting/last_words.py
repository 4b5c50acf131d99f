"""The last lines of a server's log: to find out why it ended, and a few for the person whose server it is."""

from collections.abc import Sequence

from genkan_spawner.api import KubernetesApi
from genkan_spawner.blanking import blanked
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS

READ_LINES = 200
"""Lines that are read: what a server could not do it says long before it gives up."""

LINES = 5
MOST_CHARACTERS = 600
"""Of what is told."""

_LOOKED_AT = 4000
"""Characters that are searched for secrets; more than are told, so that none loses the name before it."""


async def last_lines(api: KubernetesApi, namespace: str, name: str) -> Sequence[str]:
    """Return the end of what a pod's server has said, without empty lines; nothing if it cannot be read.

    It needs the right to get `pods/log`.
    """
    path = PODS.path(namespace=namespace, name=name, subresource="log")
    for previous in ("false", "true"):
        # The API cuts what is longer at its end.
        query = {"container": "notebook", "tailLines": str(READ_LINES), "previous": previous, "limitBytes": "1048576"}
        try:
            text = await api.text(path, query=query)
        except KubernetesError:
            continue
        if lines := [line for line in text.splitlines() if line.strip()]:
            return lines
    return ()


def last_words(lines: Sequence[str]) -> str:
    """Return the last few lines as one, with whatever looks like a secret blanked."""
    text = "\n".join(lines[-LINES:]).strip()[-_LOOKED_AT:]
    return " / ".join(map(blanked, text.splitlines()))[-MOST_CHARACTERS:]
