"""How full shared disks are, as metrics of Prometheus."""

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from .disks import SharedDisks


class DiskMetrics(Collector):
    """The state of each disk that is looked at, by its claim and by the namespace where that makes a difference."""

    def __init__(self, disks: SharedDisks, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._disks = disks
        self._registry = registry
        registry.register(self)

    def close(self) -> None:
        """Take the metrics away."""
        self._registry.unregister(self)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name the metrics without their values."""
        return self._families()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Return what is known now; no disk is waited for."""
        known, used, size = self._families()
        for claim, is_known in self._disks.known():
            known.add_metric([claim], float(is_known))
        for (namespace, claim), fill in self._disks.fills().items():
            used.add_metric([claim, namespace], fill.used)
            size.add_metric([claim, namespace], fill.size)
        return known, used, size

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        return (
            GaugeMetricFamily(
                "genkan_disk_known", "Whether it is known how full this disk is (1) or not (0).", labels=["claim"]
            ),
            GaugeMetricFamily("genkan_disk_used_bytes", "Bytes in use on this disk.", labels=["claim", "namespace"]),
            GaugeMetricFamily("genkan_disk_size_bytes", "Bytes that this disk has.", labels=["claim", "namespace"]),
        )
