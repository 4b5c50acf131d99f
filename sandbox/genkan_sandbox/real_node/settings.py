"""What a real node is told at its start, from one process to the next through a private file."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from genkan_sandbox.agent.devices import device_name
from genkan_sandbox.agent.records import DeviceOffer
from genkan_sandbox.sites import Pool


class OfferedDevices(BaseModel):
    """The devices of one resource, each with a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    names: tuple[str, ...]

    @property
    def file(self) -> str:
        """How the files of such devices are called in a container, numbers to follow."""
        vendor, _, kind = self.resource.partition("/")
        return vendor.partition(".")[0] + ("" if kind.partition(".")[0] == "gpu" else f"-{kind}-")


class ImageArchive(BaseModel):
    """An image that the node has from the start."""

    model_config = ConfigDict(frozen=True)  # the list of those that were built says more of each

    archive: Path
    """In the format of OCI, with one image."""

    reference: str
    """The name under which pods ask for it."""


class NodeSettings(BaseModel):
    """One node: its name, its devices, its images and where it keeps everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sandbox: str
    """The sandbox's id."""

    state: Path
    """The sandbox's state directory."""

    kubelet: Path
    """The program."""

    port: int
    """Where the kubelet answers the API server."""

    cpu_reserved: str
    """What pods may not have of the machine's processors, as a quantity."""

    memory_reserved: str
    """The same of its memory."""

    devices: tuple[OfferedDevices, ...] = ()
    images: tuple[ImageArchive, ...] = ()

    @property
    def folder(self) -> Path:
        """What the node keeps: images, containers, the kubelet's records."""
        return self.state / "node"

    @property
    def logs(self) -> Path:
        """Where each of its programs writes."""
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        """With the rights of this node, and no others."""
        return self.state / "kubelet.kubeconfig"

    @property
    def certificates(self) -> Path:
        """The sandbox's certificates."""
        return self.state / "certs"

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that the sandbox wrote."""
        return cls.model_validate_json(path.read_text())


def offered_devices(pool: Pool) -> tuple[OfferedDevices, ...]:
    """Name the devices of a pool's only machine, as a simulated machine of this name would have them."""
    node = pool.node_name(0)
    found = []
    for device in pool.devices:
        offer = DeviceOffer(device.resource, device.offered, device.replicas)
        names = tuple(device_name(node, offer, index) for index in range(offer.count))
        found.append(OfferedDevices(resource=device.resource, names=names))
    return tuple(found)
