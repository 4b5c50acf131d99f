"""Attaching disks to nodes: the agent is the attacher of volumes that one node holds at a time.

Kubernetes' own attach and detach controller decides which node gets a disk, and says so itself where another node holds
it.

https://kubernetes-csi.github.io/docs/external-attacher.html
"""

import asyncio
import logging
from dataclasses import dataclass

from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import VOLUME_ATTACHMENTS
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

log = logging.getLogger(__name__)

DRIVER = "block.sandbox.genkan.dev"
"""The driver of the sandbox's disks."""

CONTROLLED = "volumes.kubernetes.io/controller-managed-attach-detach"
"""Annotation of a node whose disks the controller attaches."""

_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Attachment:
    """A disk at a node, or on its way there."""

    name: str
    ours: bool
    node: str
    volume: str
    attached: bool


def project_attachment(raw: JsonObject) -> Attachment:
    """Keep of an attachment which disk it brings where."""
    spec = raw["spec"]
    return Attachment(
        name=raw["metadata"]["name"],
        ours=spec["attacher"] == DRIVER and "deletionTimestamp" not in raw["metadata"],
        node=spec["nodeName"],
        volume=spec["source"].get("persistentVolumeName") or "",
        attached=bool((raw.get("status") or {}).get("attached")),
    )


class Attacher:
    """Attaches every disk that the controller asks for, and knows which are attached; `run` never returns."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api
        self._known: dict[str, Attachment] = {}
        self._change = asyncio.Event()

    async def run(self) -> None:
        """Follow the controller's wishes."""
        async for event in Watch(self._api, VOLUME_ATTACHMENTS, project=project_attachment).events():
            match event:
                case Listed(items=items):
                    self._known = {item.name: item for item in items}
                    came = items
                case Changed(type=ChangeType.DELETED, item=item):
                    self._known.pop(item.name, None)
                    came = ()
                case Changed(item=item):
                    self._known[item.name] = item
                    came = (item,)
            before, self._change = self._change, asyncio.Event()
            before.set()
            for item in came:
                if item.ours and not item.attached:
                    await self._attach(item)

    async def attached(self, volume: str, node: str, *, seconds: float) -> bool:
        """Wait until a disk is at a node, at most so long; return whether it is."""
        try:
            async with asyncio.timeout(seconds):
                while not self._is_attached(volume, node):
                    await self._change.wait()
        except TimeoutError:
            return False
        return True

    def _is_attached(self, volume: str, node: str) -> bool:
        found = (one for one in self._known.values() if (one.volume, one.node) == (volume, node))
        return any(one.ours and one.attached for one in found)

    async def _attach(self, attachment: Attachment) -> None:
        patch = {"status": {"attached": True}}
        while True:
            try:
                await self._api.patch(
                    VOLUME_ATTACHMENTS,
                    attachment.name,
                    patch,
                    subresource="status",
                    patch_type=PatchType.MERGE,
                )
            except NotFoundError:
                return
            except KubernetesError as e:
                log.info("Volume %s could not be attached yet: %s", attachment.volume, e.message)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                return
