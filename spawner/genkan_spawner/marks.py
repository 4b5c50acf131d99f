"""Labels and annotations by which a hub knows its pods again."""

import hashlib

HUB = "genkan.dev/hub"
"""Label of a pod with the mark of the hub that made it."""

START = "genkan.dev/start"
"""Annotation of a pod with the start that made it: after a lost answer it tells ours from an earlier one."""

USER_NAME = "hub.jupyter.org/username"
SERVER_NAME = "hub.jupyter.org/servername"
"""Annotations that KubeSpawner puts on its pods and claims."""


def hub_mark(secret: bytes) -> str:
    """Return the mark of a hub, from the secret that it keeps for its cookies; the secret cannot be told from it."""
    return hashlib.sha256(b"genkan hub\n" + secret).hexdigest()[:20]
