"""The metrics of the cluster's view, as Prometheus reads them."""

from prometheus_client import CollectorRegistry, generate_latest

from genkan_spawner.api import KubernetesApi
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.metrics import ClusterMetrics

from ...support.clocks import FakeClock
from ...support.kubernetes import FakeApiServer
from .paths import NODES


def samples(registry: CollectorRegistry) -> dict[str, float]:
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


async def test_each_kind_has_its_state_age_and_number(server: FakeApiServer, api: KubernetesApi) -> None:
    server.refused[NODES] = (403, "Forbidden")
    server.opening.clear()  # the lists are the last signs of life
    clock = FakeClock()
    registry = CollectorRegistry()
    async with ClusterCache(api, clock=clock) as cache:
        metrics = ClusterMetrics(cache, registry=registry)
        await cache.wait_ready(10)
        clock.now += 3
        found = samples(registry)
        metrics.close()
    assert found.pop('genkan_cluster_view_healthy{kind="nodes"}') == 0
    assert found == {
        f'genkan_cluster_view_{metric}{{kind="{kind}"}}': value
        for kind, objects in (
            ("pods", 2),
            ("resourcequotas", 1),
            ("priorityclasses", 1),
            ("limitranges", 0),
            ("persistentvolumeclaims", 0),
            ("storageclasses", 0),
            ("persistentvolumes", 0),
            ("csidrivers", 0),
        )
        for metric, value in (("healthy", 1), ("age_seconds", 3), ("objects", objects))
    }
    assert samples(registry) == {}
