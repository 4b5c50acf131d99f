"""What `genkan-sandbox up` can be told."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class NodeKind(StrEnum):
    """What the pods of a sandbox are."""

    PROCESSES = "processes"
    """Of the node agent, which stands for all machines of a site; neither root nor a container engine is needed."""
    CONTAINERS = "containers"
    """Of a kubelet, containerd and runc, on this machine as the only one of the site."""


DEFAULT_SITES = {NodeKind.PROCESSES: "datacenter", NodeKind.CONTAINERS: "machine"}


@dataclass(frozen=True, slots=True)
class UpOptions:
    """As given on the command line."""

    port: int
    state: Path
    site: str
    ready_file: Path | None
    hub_config: Path | None
    platform: Path | None
    nodes: NodeKind
    images: Path | None
    simulate: bool
    with_hub: bool
    audit: bool
    cache: Path
