"""Small clusters with servers, jobs and measurements, written as a test wants to read them."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from genkan_hub.cluster_page.hub_report import CatalogueReport, HubReport, PageSettings, ServerReport
from genkan_hub.cluster_page.measurements import DeviceKey, Idling, Measurement, Measurements
from genkan_hub.cluster_page.picture import Picture, picture_of
from genkan_hub.cluster_page.pod_facts import PodFactsBook
from genkan_hub.cluster_page.view import ClusterView
from genkan_hub.cluster_page.viewers import Viewer
from genkan_hub.cluster_page.viewing import Ages, view_for
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.projection import node_record, pod_record, quota_record
from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Health, NodeView, Snapshot, Source
from genkan_spawner.marks import HUB, SERVER_NAME, USER_NAME
from genkan_spawner.watching import ChangeType

from ...support.objects import node, pod

GPU, SLICE, SHARED = "nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "nvidia.com/gpu.shared"
A100 = "NVIDIA-A100-SXM4-80GB"
MARK = "the-mark-of-this-hub"
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
GIB = 2**30

ADMINISTRATOR = Viewer.of("root", ["read:servers", "delete:servers"], sees_names=False)
"""Sees and stops everything."""

MEASURED = Ages(hub=3, measured=True, measurements=5)


def ordinary(name: str, *, sees_names: bool = False) -> Viewer:
    """Return a user with the rights that JupyterHub gives to everybody."""
    return Viewer.of(name, [f"read:servers!user={name}", f"delete:servers!user={name}"], sees_names=sees_names)


class Scene:
    """A cluster at one moment."""

    def __init__(self, **settings: Any) -> None:
        self.settings = PageSettings(**settings)
        self.catalogue = CatalogueReport()
        self.mark = MARK
        self.namespaces = ("genkan", "vision")
        self.priorities = {"genkan-normal": "Normal"}
        self.healthy = True
        self.nodes: list[JsonObject] = []
        self.pods: list[JsonObject] = []
        self.servers: list[ServerReport] = []
        self.quotas: list[JsonObject] = []
        self.measurements: list[Measurement] = []
        self.last_busy: dict[DeviceKey, float] = {}
        self.first_seen: dict[DeviceKey, float] = {}

    def node(
        self, name: str = "a", *, gpus: Mapping[str, int] | None = None, product: str = A100, **fields: Any
    ) -> None:
        """Add a machine; `gpus` are numbers of devices by resource."""
        offered = {GPU: 4} if gpus is None else gpus
        allocatable = {"cpu": "64", "memory": "512Gi", "pods": "110", **{key: str(n) for key, n in offered.items()}}
        labels = {f"{GPU}.product": product, "nvidia.com/cuda.driver-version.full": "580.95.05"}
        self.nodes.append(node(name, allocatable=allocatable, labels=labels | fields.pop("labels", {}), **fields))

    def job(
        self,
        name: str = "job",
        *,
        namespace: str = "batch",
        on: str | None = "a",
        gpus: int = 1,
        resource: str = GPU,
        devices: Sequence[str] = (),
        minutes: float = 60,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> JsonObject:
        """Add a pod of somebody else that has run for so many minutes."""
        started = (NOW - timedelta(minutes=minutes)).isoformat()
        status: JsonObject = {"startTime": started} if on else {}
        if devices:
            held = {"name": resource, "resources": [{"resourceID": device} for device in devices]}
            status["containerStatuses"] = [{"name": "main", "allocatedResourcesStatus": [held]}]
        found = pod(
            name,
            namespace=namespace,
            node=on,
            requests={"cpu": "1", **({resource: str(gpus)} if gpus else {})},
            metadata={"annotations": dict(annotations or {}), "labels": dict(labels or {})},
            status=status,
            **fields,
        )
        self.pods.append(found)
        return found

    def server(self, user: str, *, name: str = "", namespace: str = "genkan", **fields: Any) -> ServerReport:
        """Add a server with its pod; what the hub says of it is among the fields."""
        told = {key: fields.pop(key) for key in tuple(fields) if key in ServerReport.model_fields}
        pod_name = f"jupyter-{user}{'--' + name if name else ''}"
        self.job(
            pod_name,
            namespace=namespace,
            annotations={USER_NAME: user, SERVER_NAME: name},
            labels={HUB: MARK},
            priorityClassName="genkan-normal",
            **fields,
        )
        minutes = fields.get("minutes", 60)
        base: dict[str, Any] = {"started": NOW - timedelta(minutes=minutes), "last_activity": NOW}
        report = ServerReport(user=user, name=name, namespace=namespace, pod=pod_name, **{**base, **told})
        self.servers.append(report)
        return report

    def measure(self, device: str, utilisation: float | None = 50.0, *, used: int = 10, **fields: Any) -> Measurement:
        """Add what was measured of a card of 80 GB, of which so many are used."""
        base: dict[str, Any] = {
            "nodes": ("a",),
            "index": "0",
            "memory_used": used * GIB,
            "memory_size": 80 * GIB,
            "at": NOW.timestamp() - 10,
        }
        found = Measurement(device=device, utilisation=utilisation, **{**base, **fields})
        self.measurements.append(found)
        self.first_seen.setdefault(found.key, 0.0)
        return found

    def busy_until(self, device: str, *, minutes: float) -> None:
        """Say when a card was last seen computing."""
        self.last_busy[device, ""] = (NOW - timedelta(minutes=minutes)).timestamp()

    @property
    def report(self) -> HubReport:
        return HubReport(
            mark=self.mark,
            namespaces=self.namespaces,
            servers=tuple(self.servers),
            priorities=self.priorities,
            catalogue=self.catalogue,
            settings=self.settings,
        )

    @property
    def book(self) -> PodFactsBook:
        book = PodFactsBook()
        for found in self.pods:
            book.pod_seen(ChangeType.ADDED, found)
        return book

    @property
    def snapshot(self) -> Snapshot:
        records = [record for found in self.pods if (record := pod_record(found)) is not None]
        health = Health(loaded=True, healthy=self.healthy, age=1.5, problem="" if self.healthy else "It is away.")
        return Snapshot(
            nodes={row["metadata"]["name"]: self._node_view(row, records) for row in self.nodes},
            pending=tuple(record for record in records if record.node is None),
            quotas=_by_namespace(self.quotas),
            health=dict.fromkeys(Source, health),
        )

    def picture(self) -> Picture:
        idling = Idling(last_busy=self.last_busy, first_seen=self.first_seen)
        measurements = Measurements.of(self.measurements, idling)
        return picture_of(self.snapshot, self.book, self.report, measurements, now=NOW)

    def view(self, viewer: Viewer = ADMINISTRATOR, *, ages: Ages = MEASURED) -> ClusterView:
        return view_for(viewer, self.picture(), ages)

    @staticmethod
    def _node_view(raw: JsonObject, records: Iterable[PodRecord]) -> NodeView:
        record = node_record(copy.deepcopy(raw))
        return NodeView(record, tuple(found for found in records if found.node == record.name), used={})


def _by_namespace(quotas: Iterable[JsonObject]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in quotas:
        record = quota_record(row)
        found[record.namespace] = (*found.get(record.namespace, ()), record)
    return found


def everything_about(scene: Scene, viewer: Viewer) -> str:
    """Return all that a viewer gets, as text."""
    return scene.view(viewer).model_dump_json()
