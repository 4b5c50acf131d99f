"""`genkan explain --hardware` against a small API server: the hub's own pod, and what is not offered or not known."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genkan_profiles import SAMPLE
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import NODES, PODS, QUOTAS, STORAGE_CLASSES

from ..support.kubernetes import fake_api_server
from .test_explain import GPU, Bench, bound, pod, quota, storage_class

CATALOGUE = """
hardware:
  - {slug: cpu, display_name: CPU, cpu: 2, memory: 4Gi, default: true}
  - {slug: gpu, display_name: GPU, cpu: 2, memory: 4Gi, gpu: {count: 1}, when_full: wait}
  - {slug: kept, display_name: Kept, cpu: 2, memory: 4Gi, gpu: {count: 1}, groups: [vision]}
images:
  - {slug: scipy, display_name: SciPy, image: "registry.example.org/scipy:1"}
  - {slug: secret, display_name: Secret, image: "registry.example.org/secret:1", groups: [vision]}
own_image: {display_name: Own, pattern: "registry.example.org/.*", message: Only of our registry.}
teams:
  - {group: vision, display_name: Vision, namespace: vision}
"""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with fake_api_server(tmp_path) as (server, _):
        (tmp_path / "catalogue.yaml").write_text(CATALOGUE)
        found = Bench(server, tmp_path)
        found.has(_node())
        found.has(storage_class(), path=STORAGE_CLASSES.path())
        yield found


def _node(**allocatable: str) -> JsonObject:
    return {
        "metadata": {"name": "a", "uid": "a", "resourceVersion": "1", "labels": {}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110", GPU: "2", **allocatable},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


async def explain(bench: Bench, *words: str) -> tuple[int, JsonObject]:
    catalogue = str(bench.folder / "catalogue.yaml")
    result = await bench.run("--catalogue", catalogue, "--user", "alice", "--json", "--hardware", *words)
    assert result.stderr == ""
    (line,) = result.stdout.splitlines()
    return result.exit_code, json.loads(line)


async def test_hardware_with_room_is_ready(bench: Bench) -> None:
    code, found = await explain(bench, "gpu")

    assert code == 0
    assert (found["demand"], found["state"], found["would_preempt"]) == ("gpu", "ready", False)
    checks = ["access", "quota", "priority", "fit", "driver", "storage"]
    assert [finding["check"] for finding in found["findings"]] == checks


async def test_the_catalogue_says_whether_it_may_be_waited_for(bench: Bench) -> None:
    bench.has(bound("p", gpu="2"), path=PODS.path())

    assert (await explain(bench, "gpu"))[0] == 3
    assert (await explain(bench, "kept", "--groups", "vision"))[0] == 4
    assert (await explain(bench, "cpu"))[0] == 0


async def test_the_teams_namespace_and_its_quota_count(bench: Bench) -> None:
    bench.has(quota("vision", hard="1", used="1"), path=QUOTAS.path())

    code, found = await explain(bench, "gpu", "--groups", "others, vision", "--team", "vision")

    assert (code, found["findings"][1]["over_by"]) == (4, "1")
    assert (await explain(bench, "gpu"))[0] == 0


async def test_without_a_team_the_namespace_is_given_or_that_of_the_context(bench: Bench) -> None:
    bench.has(quota("hub", hard="0", used="0"), path=QUOTAS.path())

    assert (await explain(bench, "gpu"))[0] == 0
    assert (await explain(bench, "gpu", "--namespace", "hub"))[0] == 4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["kept"], "There is no profile 'kept' here (offered: cpu, gpu)."),
        (["cpu", "--image", "secret"], "'secret' is not offered as image on CPU (offered: scipy)."),
        (["cpu", "--team", "vision"], "'team' is nothing that can be chosen here"),
    ],
)
async def test_what_is_kept_for_others_is_refused_as_the_hub_refuses_it(
    bench: Bench, words: list[str], sentence: str
) -> None:
    code, found = await explain(bench, *words)

    (finding,) = found["findings"]
    assert (code, found["state"], finding["check"], finding["state"]) == (4, "refused", "access", "refused")
    assert finding["message"].startswith(sentence)


async def test_an_image_of_the_users_own_is_taken_if_it_may_be(bench: Bench) -> None:
    assert (await explain(bench, "cpu", "--image", "registry.example.org/mine:1"))[0] == 0
    code, found = await explain(bench, "cpu", "--image", "elsewhere.example.org/mine:1")

    assert (code, found["findings"][0]["check"]) == (4, "access")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["tpu"], "There is no hardware 'tpu' in the catalogue; it has cpu, gpu, kept."),
        (["cpu", "--image", "sipcy"], "There is no image 'sipcy' in the catalogue; it has scipy, secret."),
        (["cpu", "--priority", "high"], "There is no priority 'high' in the catalogue; it has none."),
        (["cpu", "--team", "sales"], "There is no team 'sales' in the catalogue; it has vision."),
    ],
)
async def test_names_that_the_catalogue_lacks_are_told(bench: Bench, words: list[str], sentence: str) -> None:
    result = await bench.run("--catalogue", str(bench.folder / "catalogue.yaml"), "--hardware", *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"genkan explain: {sentence}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--user", "alice"], "Name the hardware too, with --hardware NAME."),
        (["--hardware", "cpu", "--when-full", "wait"], "--when-full is for --pod;"),
        (["--hardware", "cpu", "--catalogue", "gone.yaml"], "The catalogue cannot be used."),
        (["--hardware", "cpu", "--config", "gone.py"], "gone.py: The hub's configuration cannot be executed here"),
    ],
)
async def test_a_question_that_makes_no_sense_is_told(bench: Bench, words: list[str], sentence: str) -> None:
    result = await bench.run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"genkan explain: {sentence}")


async def test_a_home_that_cannot_be_made_is_told_with_its_numbers(bench: Bench) -> None:
    full = {"requests.storage": "100Gi"}
    bench.has(
        {
            "metadata": {"name": "disks", "namespace": "default", "uid": "disks", "resourceVersion": "1"},
            "spec": {"hard": full},
            "status": {"hard": full, "used": {"requests.storage": "96Gi"}},
        },
        path=QUOTAS.path(),
    )

    code, found = await explain(bench, "cpu")

    assert (code, found["state"]) == (4, "refused")
    (row,) = [finding for finding in found["findings"] if finding["check"] == "storage"]
    assert row["message"].startswith("Your home needs 10 GB of storage, and your team has 4 GB left")
    assert (row["requested"], row["used"], row["limit"], row["over_by"]) == ("10Gi", "96Gi", "100Gi", "6Gi")


async def test_the_hubs_own_configuration_counts(bench: Bench) -> None:
    bench.has(quota("hub", hard="0", used="0"), path=QUOTAS.path())
    config = bench.folder / "jupyterhub_config.py"
    config.write_text(
        "from genkan_hub import configure\n"
        f"configure(c, catalogue_file={str(bench.folder / 'catalogue.yaml')!r})\n"
        "c.KubeSpawner.namespace = 'hub'\n"
        "c.KubeSpawner.modify_pod_hook = lambda spawner, pod: pod\n"
    )

    result = await bench.run("--config", str(config), "--hardware", "gpu")

    assert (result.exit_code, result.stderr) == (4, "")
    assert "Your team has no share of GPUs" in result.stdout


async def test_a_configuration_that_no_hub_would_take_is_told(bench: Bench) -> None:
    config = bench.folder / "jupyterhub_config.py"
    config.write_text("c.GenkanSpawner.catalogue_file = 'gone.yaml'\n")

    result = await bench.run("--config", str(config), "--hardware", "gpu")

    assert result.exit_code == 2
    assert result.stderr.startswith("genkan explain: The hub's configuration cannot be used. The catalogue cannot")


async def test_profiles_and_pods_are_asked_about_together(bench: Bench) -> None:
    words = ["--hardware", "gpu", "--catalogue", str(bench.folder / "catalogue.yaml"), "--pod", "-"]

    result = await bench.run(*words, stdin=json.dumps(pod("mine", gpu="9")))

    assert (result.exit_code, [line.partition(":")[0] for line in result.stdout.splitlines()]) == (
        4,
        ["gpu", "mine", "  fit"],
    )


async def test_every_row_of_the_sample_can_be_asked_about(bench: Bench) -> None:
    bench.has(_node(cpu="64", memory="512Gi"), path=NODES.path())
    result = await bench.run("--catalogue", str(SAMPLE), "--hardware", "cpu-large", "--priority", "burst")

    assert (result.exit_code, result.stdout.splitlines()[0]) == (4, "cpu-large: refused")
    assert "priority" in result.stdout


async def test_nothing_is_asked_of_the_cluster_but_lists(bench: Bench) -> None:
    await explain(bench, "gpu")

    assert {request.method for request in bench.server.requests} == {"GET"}
