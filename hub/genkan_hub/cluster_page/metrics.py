"""What Prometheus is told of the cluster: numbers by kind of GPU, machine and namespace, and no name of anybody."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.metrics import ClusterMetrics
from genkan_spawner.cluster.records import THOUSANDTHS

from .holders import Kind
from .picture import Picture
from .viewing import Ages


class Observed(Protocol):
    """What the metrics are computed from."""

    cache: ClusterCache

    def picture(self) -> Picture:
        """Return everything as it is now."""
        ...

    def ages(self) -> Ages:
        """Return how old what was heard is."""
        ...


class PageMetrics(Collector):
    """Computed when they are asked for."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing, so that registering does not read anything."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the values of this moment; what is not known is left out."""
        picture, ages = self._observed.picture(), self._observed.ages()
        yield from _gpus(picture)
        yield _grants(picture)
        yield _use(picture)
        yield _idle(picture)
        yield from _quotas(picture)
        yield from _people_and_machines(picture)
        yield from _sources(picture, ages)


def registry_of(observed: Observed) -> CollectorRegistry:
    """Return all metrics of the page, those of its view of the cluster included."""
    registry = CollectorRegistry()
    registry.register(PageMetrics(observed))
    ClusterMetrics(observed.cache, registry=registry)
    return registry


def _gpus(picture: Picture) -> Iterator[GaugeMetricFamily]:
    labels = ["resource", "product"]
    total = GaugeMetricFamily("genkan_gpus", "GPUs, slices and shares of them that the machines have.", labels=labels)
    free = GaugeMetricFamily(
        "genkan_gpus_free", "Those that nobody holds, on machines that take new servers.", labels=labels
    )
    block = GaugeMetricFamily("genkan_gpus_largest_free_block", "The most that one machine has free.", labels=labels)
    idle = GaugeMetricFamily(
        "genkan_gpus_idle", "Those that are held and have computed nothing for the time that is set.", labels=labels
    )
    for kind in picture.kinds:
        key = [kind.resource, kind.product]
        total.add_metric(key, kind.total)
        free.add_metric(key, kind.free)
        block.add_metric(key, kind.largest)
        idle.add_metric(key, kind.idle)
    return iter((total, free, block, idle))


def _grants(picture: Picture) -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "genkan_grants",
        "Pods that hold GPUs, by their namespace: servers of the hub, or others.",
        labels=["namespace", "kind", "resource"],
    )
    counts = Counter(
        (row.holder.namespace, str(row.holder.kind), grant.resource)
        for row in picture.rows
        for grant in row.holder.grants
    )
    for key, count in sorted(counts.items()):
        found.add_metric(list(key), count)
    return found


def _use(picture: Picture) -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "genkan_gpu_utilisation_ratio", "Mean use of the GPUs that somebody holds, from 0 to 1; of those measured."
    )
    if (mean := picture.mean_utilisation) is not None:
        found.add_metric([], mean / 100)
    return found


def _idle(picture: Picture) -> GaugeMetricFamily:
    found = GaugeMetricFamily(
        "genkan_gpu_idle_seconds",
        "For how long a GPU is held without computing; 0 while it computes.",
        labels=["node", "gpu", "device", "namespace", "kind"],
    )
    now = picture.at.timestamp()
    for machine in picture.machines:
        for slot in machine.slots:
            if slot.holder is None or slot.utilisation is None or slot.measurement is None:
                continue
            idle = now - slot.idle_since if slot.idle_since is not None else 0.0
            key = [machine.name, slot.index, slot.device or slot.measurement.device, slot.holder.namespace]
            found.add_metric([*key, str(slot.holder.kind)], max(idle, 0.0))
    return found


def _quotas(picture: Picture) -> Iterator[GaugeMetricFamily]:
    labels = ["namespace", "quota", "resource"]
    used = GaugeMetricFamily("genkan_quota_used", "What a quota counts as used, in the resource's unit.", labels=labels)
    limit = GaugeMetricFamily(
        "genkan_quota_limit", "The most that a quota allows, in the resource's unit.", labels=labels
    )
    ours = {
        *picture.report.namespaces,
        *(row.holder.namespace for row in picture.rows if row.holder.kind is Kind.SERVER),
    }
    for namespace in sorted(ours):
        for quota in picture.snapshot.quotas.get(namespace, ()):
            for resource, amount in quota.hard.items():
                key = [namespace, quota.name, resource]
                limit.add_metric(key, amount / THOUSANDTHS)
                used.add_metric(key, quota.used.get(resource, 0) / THOUSANDTHS)
    return iter((used, limit))


def _people_and_machines(picture: Picture) -> Iterator[GaugeMetricFamily]:
    yield GaugeMetricFamily("genkan_people_waiting", "People whose server waits for a machine.", value=picture.waiting)
    machines = GaugeMetricFamily("genkan_gpu_machines", "Machines with GPUs, by their state.", labels=["state"])
    for state, count in sorted(Counter(str(machine.state) for machine in picture.machines).items()):
        machines.add_metric([state], count)
    yield machines


def _sources(picture: Picture, ages: Ages) -> Iterator[GaugeMetricFamily]:
    up = GaugeMetricFamily(
        "genkan_source_up", "Whether a source of the page answers (1) or not (0).", labels=["source"]
    )
    age = GaugeMetricFamily(
        "genkan_source_age_seconds", "Seconds since a source of the page last answered.", labels=["source"]
    )
    found = [("hub", not ages.hub_problem, ages.hub)]
    if ages.measured:
        found.append(("prometheus", not ages.measurements_problem, ages.measurements))
    for source, answers, seconds in found:
        up.add_metric([source], float(answers))
        if seconds is not None:
            age.add_metric([source], seconds)
    yield up
    yield age
    yield GaugeMetricFamily(
        "genkan_catalogue_problems",
        "Problems of the newest catalogue file, which the hub does not use for them.",
        value=len(picture.report.catalogue.problems),
    )
