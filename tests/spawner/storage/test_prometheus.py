"""How full disks are, as a real Prometheus tells it that asks what stands for kubelets."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from genkan_spawner.storage.disks import STALE
from genkan_spawner.storage.readings import Reading, ReadingError, read_prometheus

from ...support.clocks import FakeClock
from ...support.prometheus import Exporter, Prometheus, exporter, prometheus, scrape
from .looking import again, catalogue, looking

TEBIBYTE = 2**40


@dataclass(frozen=True, slots=True)
class Kubelets:
    """Two machines, and the Prometheus that asks them."""

    here: Exporter
    there: Exporter
    prometheus: Prometheus

    @property
    def address(self) -> str:
        return self.prometheus.address


def mounts(kubelet: Exporter, namespace: str, claim: str, *, used: float, size: float) -> None:
    """Have a machine tell of a volume, as a kubelet does while a pod of its mounts it."""
    labels = {"namespace": namespace, "persistentvolumeclaim": claim}
    kubelet.show("kubelet_volume_stats_used_bytes", used, **labels)
    kubelet.show("kubelet_volume_stats_capacity_bytes", size, **labels)
    kubelet.show("kubelet_volume_stats_available_bytes", size - used, **labels)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubelets]:
    with exporter() as here, exporter() as there:
        config = scrape("kubelet", here.address, there.address, metrics_path="/metrics")
        with prometheus(tmp_path_factory.mktemp("prometheus"), config) as server:
            yield Kubelets(here, there, server)


@pytest.fixture
def kubelets(both: Kubelets) -> Kubelets:
    """The machines without any volume mounted."""
    both.here.clear()
    both.there.clear()
    return both


async def test_one_export_is_known_in_all_namespaces_and_each_claim_where_it_is(kubelets: Kubelets) -> None:
    mounts(kubelets.here, "team", "homes", used=8.6 * TEBIBYTE, size=10 * TEBIBYTE)
    mounts(kubelets.there, "lab", "homes", used=8.7 * TEBIBYTE, size=10 * TEBIBYTE)
    mounts(kubelets.there, "elsewhere", "homes", used=99, size=100)
    mounts(kubelets.here, "team", "data", used=99, size=100)
    mounts(kubelets.here, "team", "homes-2", used=99, size=100)
    kubelets.here.show("kubelet_volume_stats_inodes", 99.0, namespace="team", persistentvolumeclaim="homes")
    await kubelets.prometheus.scraped()
    fill = {"prometheus": kubelets.address}
    data = {"slug": "d", "display_name": "D", "mount_path": "/data", "claim": "data", "fill": fill}
    async with looking(catalogue(fill, volumes=(data,)), FakeClock()) as disks:
        fills = disks.fills()
        assert disks.problems() == []
    assert {place: f"{found.percent:.1f}" for place, found in fills.items()} == {
        ("", "homes"): "87.0",
        ("team", "data"): "99.0",
    }
    assert (fills["", "homes"].warns, fills["", "homes"].refuses) == (True, False)


async def test_a_disk_that_fills_is_seen_and_one_that_is_cleaned_up_too(kubelets: Kubelets) -> None:
    clock = FakeClock()
    mounts(kubelets.here, "team", "homes", used=50, size=100)
    await kubelets.prometheus.scraped()
    async with looking(catalogue({"prometheus": f"{kubelets.address}/"}), clock) as disks:
        for used in (98, 40):
            kubelets.here.clear()
            mounts(kubelets.here, "team", "homes", used=used, size=100)
            await kubelets.prometheus.scraped()
            await again(disks, clock)
            assert disks.fills()["", "homes"].percent == used


async def test_what_no_server_mounts_is_not_known_after_a_while_and_administrators_are_told(kubelets: Kubelets) -> None:
    clock = FakeClock()
    mounts(kubelets.here, "team", "homes", used=98, size=100)
    await kubelets.prometheus.scraped()
    async with looking(catalogue({"prometheus": kubelets.address}), clock) as disks:
        kubelets.here.clear()
        await kubelets.prometheus.scraped()
        await again(disks, clock)
        (problem,) = disks.problems()
        assert problem == (
            f"Prometheus at {kubelets.address} has no volume statistics of the claim homes: no server mounts it at the "
            "moment, or the kubelets are not asked for them."
        )
        assert list(disks.known()) == [("homes", False)]
        assert disks.fills()["", "homes"].refuses, "what was read a while ago still serves"
        await again(disks, clock, seconds=STALE)
        assert disks.fills() == {}


async def test_numbers_that_are_none_and_volumes_without_size_are_passed_over(kubelets: Kubelets) -> None:
    for namespace, used, size in (("a", float("nan"), 100.0), ("b", 1.0, float("inf")), ("c", 0.0, 0.0), ("d", 1, 2)):
        mounts(kubelets.here, namespace, "homes", used=used, size=size)
    await kubelets.prometheus.scraped()
    assert await read_prometheus(kubelets.address, "homes") == {"d": Reading(1, 2)}


async def test_the_numbers_of_two_machines_are_never_mixed(kubelets: Kubelets) -> None:
    mounts(kubelets.here, "team", "homes", used=90, size=1000)
    mounts(kubelets.there, "team", "homes", used=80, size=100)
    await kubelets.prometheus.scraped()
    assert await read_prometheus(kubelets.address, "homes") == {"team": Reading(80, 100)}


async def test_what_prometheus_itself_refuses_is_told_without_the_password(kubelets: Kubelets) -> None:
    mounts(kubelets.here, "team", "homes", used=1, size=2)
    await kubelets.prometheus.scraped()
    address = kubelets.address.replace("http://", "http://hub:secret@")
    assert await read_prometheus(address, "homes") == {"team": Reading(1, 2)}
    for wrong in (f"{address}/elsewhere", address.replace("127.0.0.1", "127.0.0.2")):
        with pytest.raises(ReadingError) as told:
            await read_prometheus(wrong, "homes")
        assert "secret" not in str(told.value)
        assert "Prometheus at http://127.0.0." in str(told.value)
