"""What a site might set beside: a group for volumes, an image that nobody has built, a root that cannot be written."""

import json
from pathlib import Path
from typing import Any

from genkan_sandbox.hub.settings import HubSettings

READ_ONLY = "bob"

catalogue = json.loads(HubSettings.from_environment().catalogue_file.read_text())
missing = {"slug": "missing", "display_name": "Missing", "image": "registry.example.org/genkan/missing:1"}
catalogue["images"].append(missing)
file = Path("catalogue-with-missing.yaml")
file.write_text(json.dumps(catalogue))

c.GenkanSpawner.catalogue_file = str(file.absolute())
c.GenkanSpawner.uid = 1000
c.GenkanSpawner.fs_gid = 2000


def with_read_only_root(spawner: Any, pod: Any) -> Any:
    """Give one user a container that can write to its volumes only."""
    if spawner.user.name == READ_ONLY:
        container = pod.spec.containers[0]
        container.security_context["readOnlyRootFilesystem"] = True
        container.volume_mounts.append({"name": "scratch", "mountPath": "/tmp"})  # noqa: S108  # the container's own
        pod.spec.volumes.append({"name": "scratch", "emptyDir": {}})
    return pod


c.GenkanSpawner.modify_pod_hook = with_read_only_root
