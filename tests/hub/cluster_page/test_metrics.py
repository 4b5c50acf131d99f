import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from genkan_hub.cluster_page.hub_report import CatalogueReport
from genkan_hub.cluster_page.metrics import registry_of
from genkan_hub.cluster_page.picture import Picture
from genkan_hub.cluster_page.viewing import Ages
from genkan_spawner.cluster.cache import ClusterCache

from ...support.fake_cluster import FakeCluster
from ...support.objects import quota
from ...support.sandbox import require
from .scenes import A100, GPU, MEASURED, Scene


@dataclass
class Still:
    """An observer that sees a scene."""

    scene: Scene
    now: Ages = MEASURED
    cache: ClusterCache = field(default_factory=lambda: ClusterCache(FakeCluster()))

    def picture(self) -> Picture:
        return self.scene.picture()

    def ages(self) -> Ages:
        return self.now


@pytest.fixture
def scene() -> Scene:
    scene = Scene(idle_after=3600)
    scene.node("rack-1")
    scene.node("rack-2", unschedulable=True)
    scene.server("alice", on="rack-1", devices=("GPU-a",), minutes=300, hardware="Fast", team="Vision")
    scene.server("bob", on=None)
    scene.job("nlp", on="rack-1", devices=("GPU-b",))
    scene.measure("GPU-a", 0.0, nodes=("rack-1",), index="0")
    scene.measure("GPU-b", 80.0, nodes=("rack-1",), index="1")
    scene.busy_until("GPU-a", minutes=90)
    scene.quotas += [quota("gpus", namespace="genkan", hard={f"requests.{GPU}": "4", "requests.memory": "1Gi"})]
    scene.quotas += [quota("theirs", namespace="batch")]
    return scene


def exposed(scene: Scene, ages: Ages = MEASURED) -> str:
    return generate_latest(registry_of(Still(scene, ages))).decode()


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def values(scene: Scene, name: str, ages: Ages = MEASURED) -> dict[tuple[str, ...], float]:
    found = samples(exposed(scene, ages))
    return {tuple(labels.values()): value for metric, labels, value in found if metric == name}


def test_gpus_by_product(scene: Scene) -> None:
    assert labelled(scene, "genkan_gpus") == [({"resource": GPU, "product": A100}, 8)]
    assert list(values(scene, "genkan_gpus_free").values()) == [2]
    assert list(values(scene, "genkan_gpus_largest_free_block").values()) == [2]
    assert list(values(scene, "genkan_gpus_idle").values()) == [1]


def labelled(scene: Scene, name: str) -> list[tuple[dict[str, str], float]]:
    return [(labels, value) for metric, labels, value in samples(exposed(scene)) if metric == name]


def test_grants_by_namespace(scene: Scene) -> None:
    assert labelled(scene, "genkan_grants") == [
        ({"namespace": "batch", "kind": "other", "resource": GPU}, 1),
        ({"namespace": "genkan", "kind": "server", "resource": GPU}, 1),
    ]


def test_for_how_long_each_held_gpu_is_idle(scene: Scene) -> None:
    assert labelled(scene, "genkan_gpu_idle_seconds") == [
        ({"node": "rack-1", "gpu": "0", "device": "GPU-a", "namespace": "genkan", "kind": "server"}, 90 * 60),
        ({"node": "rack-1", "gpu": "1", "device": "GPU-b", "namespace": "batch", "kind": "other"}, 0),
    ]


def test_quotas_of_the_hubs_namespaces_in_their_units(scene: Scene) -> None:
    assert labelled(scene, "genkan_quota_limit") == [
        ({"namespace": "genkan", "quota": "gpus", "resource": f"requests.{GPU}"}, 4),
        ({"namespace": "genkan", "quota": "gpus", "resource": "requests.memory"}, 2**30),
    ]
    assert [value for _, value in labelled(scene, "genkan_quota_used")] == [0, 0]


def test_people_machines_and_use(scene: Scene) -> None:
    assert values(scene, "genkan_people_waiting") == {(): 1}
    assert values(scene, "genkan_gpu_machines") == {("ready",): 1, ("drained",): 1}
    assert values(scene, "genkan_gpu_utilisation_ratio") == {(): 0.4}


def test_sources(scene: Scene) -> None:
    scene.catalogue = CatalogueReport(problems=("one", "two"))
    ages = Ages(hub=7, hub_problem="away", measured=True, measurements=9)
    assert values(scene, "genkan_source_up", ages) == {("hub",): 0, ("prometheus",): 1}
    assert values(scene, "genkan_source_age_seconds", ages) == {("hub",): 7, ("prometheus",): 9}
    assert values(scene, "genkan_catalogue_problems", ages) == {(): 2}


def test_what_is_not_known_is_left_out() -> None:
    nothing = exposed(Scene(), Ages())
    names = {name for name, _, _ in samples(nothing)}
    assert "genkan_gpu_utilisation_ratio" not in names
    assert not {name for name in names if name.startswith("genkan_quota")}
    assert values(Scene(), "genkan_source_age_seconds", Ages()) == {}
    assert values(Scene(), "genkan_source_up", Ages()) == {("hub",): 1}


@pytest.mark.parametrize("word", ["alice", "bob", "nlp", "jupyter", "Fast", "Vision"])
def test_nobody_is_named(scene: Scene, word: str) -> None:
    assert word not in exposed(scene)


def test_prometheus_has_nothing_to_say_against_them(scene: Scene) -> None:
    program = shutil.which("promtool") or require("There is no promtool here. On Debian: apt-get install prometheus")
    checked = subprocess.run(
        [program, "check", "metrics"], input=exposed(scene).encode(), capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
