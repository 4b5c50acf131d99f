"""What one viewer gets of a picture: the page and the CSV are drawn from it, and it is the JSON.

Whatever somebody may not see is not in here, so that nothing that is drawn from it can show it.
"""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, SkipValidation

from .holders import Kind, State
from .machines import MachineState

Moment = datetime
"""In UTC."""


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DeviceState(StrEnum):
    """What a device is good for now."""

    FREE = "free"
    HELD = "held"
    UNAVAILABLE = "unavailable"
    """Nobody holds it, and its machine takes nothing new."""


class DeviceView(_Shape):
    """One device, slice of a device or share of one."""

    state: DeviceState
    server: str | None = None
    """The `key` of the server or pod that holds it; null where nobody does, or where the viewer may not see who."""
    index: str = ""
    """The number of its card on the machine, as nvidia-smi counts; empty where it was not measured."""
    device: str = ""
    """The name that the kubelet has for it; empty where nobody tells."""
    utilisation: float | None = None
    """Percent of the time in which it computes; null where it was not measured."""
    memory_used: int | None = None
    memory_size: int | None = None
    """Bytes; null where they were not measured."""
    measured_at: Moment | None = None
    idle_since: Moment | None = None
    """Since when it is held and computes nothing; null while it computes, or where nobody knows."""


class DeviceKindView(_Shape):
    """All devices of one kind in a machine."""

    resource: str
    """The extended resource, such as nvidia.com/gpu."""
    product: str
    """The card as its node is labelled; empty without such a label."""
    devices: tuple[DeviceView, ...]


class MachineView(_Shape):
    """One node with GPUs."""

    name: str
    state: MachineState
    driver: str
    """The version of NVIDIA's driver; empty without such a label."""
    kinds: tuple[DeviceKindView, ...]


class ServerView(_Shape):
    """One server of this hub, or one pod of somebody else that holds GPUs."""

    key: str
    """The same as long as the server is."""
    kind: Kind
    state: State
    user: str = ""
    """Empty for other pods."""
    name: str = ""
    """The name of a named server; empty for the default one."""
    title: str = ""
    """What its user calls a named server."""
    team: str = ""
    hardware: str = ""
    image: str = ""
    priority: str = ""
    """As the catalogue calls them; empty where nothing was chosen or the viewer may not see it."""
    namespace: str = ""
    pod: str = ""
    """Only for those who may see all servers."""
    node: str = ""
    """Empty while no machine has it."""
    gpus: int = 0
    """How many it holds, of all kinds."""
    products: tuple[str, ...] = ()
    """Of these."""
    indices: tuple[str, ...] = ()
    """The numbers of its cards on the machine, where all of them were measured."""
    since: Moment | None = None
    """When its machine took it on."""
    last_activity: Moment | None = None
    """When somebody last used it, as JupyterHub knows."""
    utilisation: float | None = None
    """Percent, the mean of its GPUs; null where none was measured."""
    memory_used: int | None = None
    memory_size: int | None = None
    """Bytes of its GPUs together."""
    measured_at: Moment | None = None
    idle_since: Moment | None = None
    """Since when none of its GPUs computes; null while one does, or where nobody knows."""
    started: Moment | None = None
    """Which run of the server this is, as JupyterHub knows."""
    stoppable: bool = False
    """Whether the viewer may stop it."""


class KindView(_Shape):
    """The GPUs of one kind in the whole cluster."""

    resource: str
    product: str
    total: int
    free: int
    """On machines that take new servers."""
    largest_free_block: int
    """The most that one machine has free."""
    idle: int | None = None
    """Held for longer than `idle_after` without computing; null where nothing was measured or for ordinary viewers."""


class TotalsView(_Shape):
    """The whole cluster in numbers."""

    gpus: int
    free: int
    idle: int | None
    mean_utilisation: float | None
    """Percent, of the GPUs that somebody holds; null where nothing was measured or for ordinary viewers."""
    drained: int
    """Machines with GPUs that take nothing new on purpose."""
    not_ready: int
    """Machines with GPUs that do not answer."""
    people_waiting: int
    """People whose server waits for a machine."""


class SourcesView(_Shape):
    """How old what is shown is, and what is wrong with where it comes from."""

    cluster_age: float | None
    """Seconds since the last sign of life of the watches of nodes and pods; null if there was none."""
    cluster_known: bool
    """Whether nodes and pods are both followed; else what is shown is what was known last."""
    cluster_partial: bool
    """Whether only the hub's own namespaces are seen: what others hold then looks free."""
    hub_age: float | None
    """Seconds since the hub last told of its servers; null if it never did."""
    measurements: Literal["none", "current", "missing"]
    """`none` where no Prometheus is configured, `missing` where it has nothing to say."""
    measurements_age: float | None
    """Seconds since Prometheus last answered; null if it never did."""
    problems: tuple[SkipValidation[str], ...] = ()
    """Sentences for those who may see all servers; the page says them in the reader's language."""
    catalogue_problems: tuple[str, ...] = ()
    """Why the hub's catalogue cannot be used and the last good one is; for those who may see all servers."""


class ClusterView(_Shape):
    """Everything that one viewer may see, at one moment."""

    version: Literal[1] = 1
    """Of this shape: it changes when something is taken away or means something else, not when something is added."""
    at: Moment
    idle_after: float
    """Seconds after which a GPU that computes nothing is shown as idle."""
    everything: bool
    """Whether the viewer may see all servers."""
    sources: SourcesView
    totals: TotalsView
    kinds: tuple[KindView, ...]
    machines: tuple[MachineView, ...]
    servers: tuple[ServerView, ...]


def moment_of(seconds: float | None) -> Moment | None:
    """Return a moment from seconds since 1970."""
    return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
