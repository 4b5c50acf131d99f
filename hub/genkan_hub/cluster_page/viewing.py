"""From a picture of everything to what one viewer may see of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from .holders import Kind
from .machines import Machine, MachineState, Slot
from .picture import Picture, Row
from .view import (
    ClusterView,
    DeviceKindView,
    DeviceState,
    DeviceView,
    KindView,
    MachineView,
    ServerView,
    SourcesView,
    TotalsView,
    moment_of,
)
from .viewers import Viewer


@dataclass(frozen=True, slots=True)
class Ages:
    """How old what was heard is, in seconds, and what was not heard."""

    hub: float | None = None
    """None if the hub never told anything."""
    hub_problem: str = ""
    measured: bool = False
    """Whether there is a Prometheus to ask."""
    measurements: float | None = None
    """None if it never answered."""
    measurements_problem: str = ""


def view_for(viewer: Viewer, picture: Picture, ages: Ages) -> ClusterView:
    """Return what somebody may see; names, pods and devices of what they may not are left out."""
    shown = {row.holder.key: _server(row, picture, viewer) for row in picture.rows if _is_shown(row, viewer)}
    return ClusterView(
        at=picture.at,
        idle_after=picture.report.settings.idle_after,
        everything=viewer.is_administrator,
        sources=_sources(viewer, picture, ages),
        totals=_totals(viewer, picture, ages),
        kinds=tuple(
            KindView(
                resource=kind.resource,
                product=kind.product,
                total=kind.total,
                free=kind.free,
                largest_free_block=kind.largest,
                idle=kind.idle if _measured(viewer, ages) else None,
            )
            for kind in picture.kinds
        ),
        machines=tuple(_machine(machine, shown) for machine in picture.machines),
        servers=tuple(shown.values()),
    )


def _is_shown(row: Row, viewer: Viewer) -> bool:
    named = viewer.sees_names and row.holder.kind is Kind.SERVER
    return named or viewer.sees.holds(row.holder)


def _server(row: Row, picture: Picture, viewer: Viewer) -> ServerView:
    holder, server = row.holder, row.holder.server
    full = viewer.sees.holds(holder)
    used, size = row.memory or (None, None)
    indices = [slot.index for slot in row.slots]
    return ServerView(
        key=holder.key,
        kind=holder.kind,
        state=holder.state,
        user=holder.user,
        name=server.name if server else "",
        title=server.display_name if server and server.name else "",
        team=server.team if server else "",
        hardware=server.hardware if server else "",
        image=server.image if server else "",
        priority=_priority(row, picture, viewer),
        namespace=holder.namespace if viewer.is_administrator else "",
        pod=holder.pod if viewer.is_administrator else "",
        node=holder.node or "",
        gpus=holder.gpus,
        products=row.products,
        indices=tuple(indices) if indices and all(indices) else (),
        since=holder.since,
        last_activity=server.last_activity if server and full else None,
        utilisation=row.utilisation,
        memory_used=used,
        memory_size=size,
        measured_at=moment_of(row.measured_at),
        idle_since=moment_of(row.idle_since),
        started=server.started if server and full else None,
        stoppable=viewer.may_stop(holder),
    )


def _priority(row: Row, picture: Picture, viewer: Viewer) -> str:
    """Return what was chosen, else what the pod's class is called; classes that nobody chooses administrators see."""
    server, name = row.holder.server, row.holder.priority_class
    chosen = server.priority if server is not None else ""
    return chosen or picture.report.priorities.get(name, "") or (name if viewer.is_administrator else "")


def _machine(machine: Machine, shown: Mapping[str, ServerView]) -> MachineView:
    return MachineView(
        name=machine.name,
        state=machine.state,
        driver=machine.driver,
        kinds=tuple(
            DeviceKindView(
                resource=group.resource,
                product=group.product,
                devices=tuple(_device(slot, machine, shown) for slot in group.slots),
            )
            for group in machine.groups
        ),
    )


def _device(slot: Slot, machine: Machine, shown: Mapping[str, ServerView]) -> DeviceView:
    if slot.holder is None:
        free = machine.state is MachineState.READY
        return DeviceView(state=DeviceState.FREE if free else DeviceState.UNAVAILABLE, index=slot.index)
    server = shown.get(slot.holder.key)
    if server is None:
        return DeviceView(state=DeviceState.HELD, index=slot.index)
    row = slot.measurement
    return DeviceView(
        state=DeviceState.HELD,
        server=server.key,
        index=slot.index,
        device=slot.device,
        utilisation=slot.utilisation,
        memory_used=row.memory_used if row else None,
        memory_size=row.memory_size if row else None,
        measured_at=moment_of(row.at) if row else None,
        idle_since=moment_of(slot.idle_since),
    )


def _totals(viewer: Viewer, picture: Picture, ages: Ages) -> TotalsView:
    measured = _measured(viewer, ages)
    return TotalsView(
        gpus=picture.total,
        free=picture.free,
        idle=picture.idle if measured else None,
        mean_utilisation=picture.mean_utilisation if measured else None,
        drained=picture.drained,
        not_ready=picture.not_ready,
        people_waiting=picture.waiting,
    )


def _measured(viewer: Viewer, ages: Ages) -> bool:
    return viewer.is_administrator and ages.measurements is not None


def _sources(viewer: Viewer, picture: Picture, ages: Ages) -> SourcesView:
    standing, catalogue = picture.standing, picture.report.catalogue
    problems = (*standing.problems, ages.hub_problem, ages.measurements_problem)
    told = "none" if not ages.measured else "missing" if ages.measurements_problem else "current"
    return SourcesView(
        cluster_age=standing.age if math.isfinite(standing.age) else None,
        cluster_known=standing.known,
        cluster_partial=standing.partial,
        hub_age=ages.hub,
        measurements=told,
        measurements_age=ages.measurements,
        problems=tuple(filter(None, problems)) if viewer.is_administrator else (),
        catalogue_problems=catalogue.problems if viewer.is_administrator else (),
    )
