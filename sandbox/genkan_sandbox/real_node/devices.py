"""`python -m genkan_sandbox.real_node.devices`: a device plug-in whose devices have names, and are not there.

https://kubernetes.io/docs/concepts/extend-kubernetes/compute-storage-net/device-plugins/
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from genkan_sandbox.agent.devices import VISIBLE, visible_devices
from genkan_sandbox.real_node import device_api as api
from genkan_sandbox.real_node.settings import NodeSettings, OfferedDevices

PLUGINS = Path("/var/lib/kubelet/device-plugins")
"""The kubelet looks nowhere else."""

_KUBELET = PLUGINS / "kubelet.sock"
_POLL = 0.1

log = logging.getLogger("genkan_sandbox.real_node.devices")


@dataclass(slots=True)
class Plugin:
    """The plug-in of one resource, as the kubelet asks it."""

    offer: OfferedDevices
    unhealthy: Path
    """A file with the names of devices that are broken just now, one a line."""

    async def options(self, _request: Any, _context: Any) -> Any:
        """Say that the kubelet may choose among devices by itself."""
        return api.message("DevicePluginOptions")

    async def list_and_watch(self, _request: Any, _context: Any) -> AsyncIterator[Any]:
        """Say which devices there are, and again whenever one breaks or is well again."""
        told: frozenset[str] | None = None
        while True:
            broken = self._broken()
            if broken != told:
                told = broken
                yield api.message("ListAndWatchResponse", devices=[self._device(name) for name in self.offer.names])
            await asyncio.sleep(_POLL)

    async def allocate(self, request: Any, _context: Any) -> Any:
        """Give each container its devices: by name in the variable of NVIDIA's runtime, and as files."""
        answers = [self._given(list(one.devices_ids)) for one in request.container_requests]
        return api.message("AllocateResponse", container_responses=answers)

    def _given(self, names: Sequence[str]) -> Any:
        visible = visible_devices(((self.offer.resource, tuple(names)),))
        files = [
            api.message(
                "DeviceSpec",
                container_path=f"/dev/{self.offer.file}{self.offer.names.index(name)}",
                host_path="/dev/null",
                permissions="rw",
            )
            for name in names
        ]
        envs = [api.message("Variable", key=VISIBLE, value=visible)] if visible else []
        return api.message("ContainerAllocateResponse", envs=envs, devices=files)

    def _device(self, name: str) -> Any:
        health = api.UNHEALTHY if name in self._broken() else api.HEALTHY
        return api.message("Device", ID=name, health=health)

    def _broken(self) -> frozenset[str]:
        try:
            return frozenset(self.unhealthy.read_text().split())
        except FileNotFoundError:
            return frozenset()

    async def serve(self, number: int) -> grpc.aio.Server:
        """Listen, and tell the kubelet of it."""
        endpoint = f"genkan-{number}.sock"
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((self._handlers(),))
        server.add_insecure_port(f"unix://{PLUGINS / endpoint}")
        await server.start()
        request = api.message(
            "RegisterRequest", version=api.VERSION, endpoint=endpoint, resource_name=self.offer.resource
        )
        async with grpc.aio.insecure_channel(f"unix://{_KUBELET}") as channel:
            register = channel.unary_unary(
                api.REGISTER,
                request_serializer=api.encode,
                response_deserializer=api.decoder("Empty"),
            )
            await register(request)
        log.info("Offered %d of %s.", len(self.offer.names), self.offer.resource)
        return server

    def _handlers(self) -> grpc.GenericRpcHandler:
        one = grpc.unary_unary_rpc_method_handler
        methods = {
            "GetDevicePluginOptions": one(self.options, api.decoder("Empty"), api.encode),
            "ListAndWatch": grpc.unary_stream_rpc_method_handler(self.list_and_watch, api.decoder("Empty"), api.encode),
            "Allocate": one(self.allocate, api.decoder("AllocateRequest"), api.encode),
        }
        return grpc.method_handlers_generic_handler(api.PLUGIN_SERVICE, methods)


async def _run(settings: NodeSettings) -> None:
    # The kubelet empties the folder when it starts, so there is nothing to do before its own socket is there.
    while not _KUBELET.exists():  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(_POLL)
    plugins = [Plugin(offer, unhealthy=settings.folder / "unhealthy") for offer in settings.devices]
    servers = [await plugin.serve(number) for number, plugin in enumerate(plugins)]
    await asyncio.gather(*(server.wait_for_termination() for server in servers), asyncio.Event().wait())


def main() -> int:
    """Offer a site's devices until the node ends."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    asyncio.run(_run(NodeSettings.read(Path(sys.argv[1]))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
