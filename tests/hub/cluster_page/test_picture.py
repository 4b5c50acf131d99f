from genkan_hub.cluster_page.holders import Kind, State
from genkan_hub.cluster_page.hub_report import CatalogueReport, ServerReport
from genkan_hub.cluster_page.picture import KindTotal, Row
from genkan_spawner.marks import HUB, USER_NAME

from .scenes import A100, GIB, GPU, MARK, NOW, SLICE, Scene


def rows(scene: Scene) -> dict[str, Row]:
    return {row.holder.user or f"{row.holder.namespace}/{row.holder.pod}": row for row in scene.picture().rows}


def test_a_row_is_a_server_with_what_was_measured_of_its_gpus() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", gpus=2, devices=("GPU-a", "GPU-b"), hardware="2 x A100")
    scene.measure("GPU-a", 80.0, used=30, index="0", at=100.0)
    scene.measure("GPU-b", 40.0, used=10, index="1", at=90.0)
    row = rows(scene)["alice"]
    assert (row.utilisation, row.memory, row.measured_at) == (60, (40 * GIB, 160 * GIB), 90)
    assert (row.holder.gpus, row.products, row.idle_since) == (2, (A100,), None)


def test_a_server_is_idle_only_when_none_of_its_gpus_computes() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", gpus=2, devices=("GPU-a", "GPU-b"), minutes=500)
    scene.measure("GPU-a", 0.0, index="0")
    scene.measure("GPU-b", 0.0, index="1")
    scene.busy_until("GPU-a", minutes=90)
    scene.busy_until("GPU-b", minutes=60)
    assert rows(scene)["alice"].idle_since == NOW.timestamp() - 3600
    scene.measurements[1:] = []
    scene.measure("GPU-b", 50.0, index="1")
    assert rows(scene)["alice"].idle_since is None


def test_without_measurements_nothing_is_claimed() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice")
    row = rows(scene)["alice"]
    assert (row.utilisation, row.memory, row.idle_since, row.measured_at) == (None, None, None, None)
    assert scene.picture().mean_utilisation is None


def test_memory_is_told_only_where_all_gpus_were_measured() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", gpus=2, devices=("GPU-a", "GPU-b"))
    scene.measure("GPU-a")
    assert rows(scene)["alice"].memory is None


def test_servers_without_gpus_are_rows_and_jobs_without_gpus_are_none() -> None:
    scene = Scene()
    scene.node()
    scene.server("bob", gpus=0)
    scene.job("frames", gpus=0)
    scene.job("nlp")
    assert {name: row.holder.kind for name, row in rows(scene).items()} == {"bob": Kind.SERVER, "batch/nlp": Kind.OTHER}


def test_states() -> None:
    scene = Scene()
    scene.node()
    scene.server("running")
    scene.server("starting", pending="spawn")
    scene.server("waiting", on=None, pending="spawn")
    scene.server("stopping", pending="stop")
    assert {name: row.holder.state for name, row in rows(scene).items()} == {
        "running": State.RUNNING,
        "starting": State.STARTING,
        "waiting": State.WAITING,
        "stopping": State.STOPPING,
    }
    assert scene.picture().waiting == 1


def test_a_server_whose_pod_is_not_there_yet_is_a_row_too() -> None:
    scene = Scene()
    scene.servers.append(ServerReport(user="alice", namespace="genkan", pod="jupyter-alice", pending="spawn"))
    row = rows(scene)["alice"]
    assert (row.holder.state, row.holder.node, row.holder.since) == (State.STARTING, None, None)


def test_a_server_keeps_its_key_when_it_is_started_anew() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", name="deep", uid="first")
    before = rows(scene)["alice"].holder.key
    scene.pods[0]["metadata"]["uid"] = "second"
    assert rows(scene)["alice"].holder.key == before


def test_a_pod_of_the_hub_that_it_does_not_know_is_its_users() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice")
    scene.servers.clear()
    row = rows(scene)["alice"]
    assert (row.holder.kind, row.holder.server) == (Kind.SERVER, None)


def test_nobody_becomes_a_user_by_what_they_write_into_their_pods() -> None:
    scene = Scene()
    scene.node()
    scene.job("elsewhere", namespace="batch", annotations={USER_NAME: "alice"}, labels={HUB: MARK})
    scene.job("unmarked", namespace="genkan", annotations={USER_NAME: "alice"})
    scene.job("of-another-hub", namespace="genkan", annotations={USER_NAME: "alice"}, labels={HUB: "other"})
    assert set(rows(scene)) == {"batch/elsewhere", "genkan/unmarked", "genkan/of-another-hub"}


def test_a_hub_that_has_told_nothing_owns_nothing() -> None:
    scene = Scene()
    scene.node()
    scene.job("unlabelled", namespace="genkan", annotations={USER_NAME: "alice"}, labels={HUB: ""})
    scene.mark = ""
    assert set(rows(scene)) == {"genkan/unlabelled"}


def test_servers_come_before_what_others_have() -> None:
    scene = Scene()
    scene.node("a")
    scene.node("b")
    scene.job("nlp")
    scene.server("bob", on="b")
    scene.server("Alice", on="a")
    assert list(rows(scene)) == ["Alice", "bob", "batch/nlp"]


def test_totals_by_kind_count_what_a_new_server_could_get() -> None:
    scene = Scene(idle_after=3600)
    scene.node("a", gpus={GPU: 4, SLICE: 7})
    scene.node("b")
    scene.node("c", unschedulable=True)
    scene.node("d", ready="False")
    scene.server("alice", on="a", devices=("GPU-a",), minutes=200)
    scene.job("nlp", on="b", gpus=2)
    scene.measure("GPU-a", 0.0)
    scene.busy_until("GPU-a", minutes=61)
    picture = scene.picture()
    assert picture.kinds == (
        KindTotal(GPU, A100, total=16, free=5, largest=3, idle=1),
        KindTotal(SLICE, A100, total=7, free=7, largest=7, idle=0),
    )
    assert (picture.total, picture.free, picture.idle) == (23, 12, 1)
    assert (picture.drained, picture.not_ready) == (1, 1)


def test_the_mean_is_of_the_gpus_that_somebody_holds_each_card_once() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", devices=("GPU-a",))
    scene.job("nlp", devices=("GPU-b",))
    scene.measure("GPU-a", 90.0, index="0")
    scene.measure("GPU-b", 10.0, index="1")
    scene.measure("GPU-c", 0.0, index="2")
    assert scene.picture().mean_utilisation == 50


def test_people_are_counted_once_however_many_servers_wait() -> None:
    scene = Scene()
    scene.node()
    scene.server("alice", on=None)
    scene.server("alice", name="second", on=None)
    scene.server("bob", on=None)
    assert scene.picture().waiting == 2


def test_what_the_catalogue_calls_gpus_are_gpus() -> None:
    scene = Scene()
    scene.node(gpus={"example.org/accelerator": 2})
    assert scene.picture().total == 0
    scene.catalogue = CatalogueReport(gpu_resources=("example.org/accelerator",))
    scene.job("nlp", resource="example.org/accelerator")
    assert (scene.picture().total, scene.picture().free) == (2, 1)
