"""What the hub tells the cluster page: its servers, how its catalogue stands, and how the page is set up.

Both sides read this: the hub's handler writes it, the page's process reads it.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Told(BaseModel):
    # What a newer hub tells beside this is left alone: the two may be of different versions for a while.
    model_config = ConfigDict(frozen=True, extra="ignore")


class ServerReport(_Told):
    """One server that runs, starts or stops."""

    user: str
    name: str = ""
    """Empty for the default server."""
    display_name: str = ""
    """What its user calls a named server."""
    groups: tuple[str, ...] = ()
    namespace: str = ""
    pod: str = ""
    """Where its pod is, or will be."""
    hardware: str = ""
    image: str = ""
    priority: str = ""
    team: str = ""
    """What was chosen, as the catalogue calls it; empty where nothing was."""
    started: datetime | None = None
    last_activity: datetime | None = None
    pending: str = ""
    """What is going on with it: spawn, stop, check or rename; empty while it just runs."""


class CatalogueReport(_Told):
    """How the catalogue in use stands with its file."""

    problems: tuple[str, ...] = ()
    """Why the newest file cannot be used; the catalogue is then the last good one."""
    known: bool = True
    """Whether there is a usable one at all."""
    loaded_at: datetime | None = None
    gpu_resources: tuple[str, ...] = ()
    """The resources that it calls GPUs."""


class PageSettings(_Told):
    """What administrators have set; the traits of ClusterPage say what each is for."""

    names_for_everyone: bool = False
    idle_after: float = 3600.0
    idle_utilisation: float = 2.0
    prometheus_url: str = ""
    prometheus_labels: dict[str, str] = Field(default_factory=dict)
    prometheus_token_file: str = ""
    prometheus_every: float = 10.0
    metrics_for_everyone: bool = False
    """Whether the hub shows its own metrics without a token."""


class FrameReport(_Told):
    """What the site says on all pages."""

    site_name: str = ""
    notice: str = ""


class HubReport(_Told):
    """Everything at one moment."""

    version: Literal[1] = 1
    mark: str = ""
    """The label by which the hub's pods are known."""
    namespaces: tuple[str, ...] = ()
    """Where the hub's servers run."""
    servers: tuple[ServerReport, ...] = ()
    priorities: dict[str, str] = Field(default_factory=dict)
    """What the catalogue calls PriorityClasses, by their names."""
    catalogue: CatalogueReport = CatalogueReport()
    settings: PageSettings = PageSettings()
    frame: FrameReport = FrameReport()


class StopRequest(BaseModel):
    """What the page asks the hub to do with a server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    note: str = Field(default="", max_length=500)
    """What the user is told at the next visit."""
    started: datetime | None = None
    """Which run of the server is meant; one that was started later is not stopped."""
