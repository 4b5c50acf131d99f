"""How good the view of the cluster is, as metrics of Prometheus, computed when they are asked for."""

import math
from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .cache import ClusterCache


class ClusterMetrics(Collector):
    """The state of a cache, by kind.

    `registry` defaults to the one that JupyterHub serves at /hub/metrics. `close` takes the metrics away again.
    """

    def __init__(self, cache: ClusterCache, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._cache = cache
        self._registry = registry
        registry.register(self)

    def close(self) -> None:
        """Take the metrics away."""
        self._registry.unregister(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the metrics without their values, so that registering does not read the cache."""
        return self._families()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return the values of this moment; the age of what was never heard of is left out."""
        healthy, age, objects = self._families()
        counts = self._cache.counts()
        for source, health in self._cache.health().items():
            healthy.add_metric([source], float(health.healthy))
            if math.isfinite(health.age):
                age.add_metric([source], health.age)
            if health.loaded:
                objects.add_metric([source], counts[source])
        return healthy, age, objects

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "genkan_cluster_view_healthy",
                "Whether the hub's view of this kind of objects is up to date (1) or not (0).",
                labels=["kind"],
            ),
            GaugeMetricFamily(
                "genkan_cluster_view_age_seconds",
                "Seconds since the last sign of life of the watch of this kind.",
                labels=["kind"],
            ),
            GaugeMetricFamily(
                "genkan_cluster_view_objects",
                "Objects of this kind that the hub knows of.",
                labels=["kind"],
            ),
        )
