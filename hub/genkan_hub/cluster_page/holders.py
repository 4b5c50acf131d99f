"""Who holds GPUs, or runs on the cluster as a server of this hub: the rows of the page's table."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.marks import HUB

from .grants import Grant, grants_of
from .hub_report import HubReport, ServerReport
from .pod_facts import PodFacts, PodFactsBook

PodKey: TypeAlias = tuple[str, str]
"""Namespace and name of a pod."""


class Kind(StrEnum):
    """Whose a pod is."""

    SERVER = "server"
    """A user's, of this hub."""
    OTHER = "other"
    """Somebody else's in the cluster."""


class State(StrEnum):
    """How far a holder has come."""

    RUNNING = "running"
    WAITING = "waiting"
    """No machine has room for it yet."""
    STARTING = "starting"
    STOPPING = "stopping"


@dataclass(frozen=True, slots=True)
class Holder:
    """One pod, or a server that has none yet."""

    key: str
    """What tells it from all others: the server's full name in JupyterHub, or the uid of a pod that is none."""
    kind: Kind
    state: State
    namespace: str
    pod: str
    node: str | None = None
    grants: tuple[Grant, ...] = ()
    since: datetime | None = None
    """When its machine took it on; None while none has."""
    priority_class: str = ""
    user: str = ""
    server: ServerReport | None = None
    """What the hub says of it; None for other pods, and for one of its own of which the hub does not know."""

    @property
    def gpus(self) -> int:
        """How many GPUs of all kinds it holds."""
        return sum(grant.count for grant in self.grants)


class Ownership:
    """Tells servers of this hub from the pods of others.

    Whoever may create pods somewhere can write any name into them, so that what counts is what the hub says of its
    servers; a pod's own word counts only in the hub's namespaces and with the hub's mark.
    """

    def __init__(self, report: HubReport) -> None:
        self._mark = report.mark
        self._namespaces = frozenset(report.namespaces)
        self._servers = {(server.namespace, server.pod): server for server in report.servers if server.pod}

    def server(self, pod: PodRecord) -> ServerReport | None:
        """Return the server whose pod this is, as far as the hub knows."""
        return self._servers.get((pod.namespace, pod.name))

    def user(self, pod: PodRecord, facts: PodFacts | None) -> str | None:
        """Return whose server a pod is; None for one of somebody else."""
        if (server := self.server(pod)) is not None:
            return server.user
        ours = bool(self._mark) and pod.labels.get(HUB) == self._mark and pod.namespace in self._namespaces
        return facts.user if ours and facts is not None else None

    def without(self, seen: set[PodKey]) -> list[ServerReport]:
        """Return the servers that have none of these pods."""
        return [server for key, server in self._servers.items() if key not in seen]


def holder_of(pod: PodRecord, book: PodFactsBook, ownership: Ownership, *, gpus: frozenset[str]) -> Holder | None:
    """Return what there is to show of a pod; None for one of somebody else that holds no GPU.

    `gpus` are the resources that the catalogue calls GPUs.
    """
    facts = book.get(pod.uid)
    grants = grants_of(pod, facts, named=gpus)
    user = ownership.user(pod, facts)
    if user is None and not grants:
        return None
    since = facts.started if facts is not None else None
    server = ownership.server(pod) if user is not None else None
    return Holder(
        key=_full_name(server) if server is not None else pod.uid,
        kind=Kind.OTHER if user is None else Kind.SERVER,
        state=_state(pod, server),
        namespace=pod.namespace,
        pod=pod.name,
        node=pod.node,
        grants=grants,
        since=(since or pod.created) if pod.node is not None else None,
        priority_class=pod.priority_class,
        user=user or "",
        server=server,
    )


def holder_without_pod(server: ServerReport) -> Holder:
    """Return what there is to show of a server that has no pod, or whose pod cannot be seen."""
    return Holder(
        key=_full_name(server),
        kind=Kind.SERVER,
        state=_pending(server) or State.RUNNING,
        namespace=server.namespace,
        pod=server.pod,
        since=server.started if not server.pending else None,
        user=server.user,
        server=server,
    )


def _full_name(server: ServerReport) -> str:
    return f"{server.user}/{server.name}"


def _state(pod: PodRecord, server: ServerReport | None) -> State:
    if pod.terminating:
        return State.STOPPING
    if pod.node is None:
        return State.WAITING
    return (_pending(server) if server is not None else None) or State.RUNNING


def _pending(server: ServerReport) -> State | None:
    match server.pending:
        case "spawn":
            return State.STARTING
        case "stop":
            return State.STOPPING
        case _:
            return None
