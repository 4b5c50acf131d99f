"""The last lines of a server's log, for the person whose server it is."""

from genkan_spawner.api import KubernetesApi
from genkan_spawner.blanking import blanked
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import PODS

LINES = 5
MOST_CHARACTERS = 600

_LOOKED_AT = 4000
"""Characters that are searched for secrets; more than are shown, so that none loses the name before it."""


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
