"""`genkan doctor` on a cluster that the chart has prepared, and on what somebody then got wrong."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from genkan_hub.deployment.rights import hub_rights
from genkan_hub.doctor.diagnoses import Diagnosis, Level, Topic
from genkan_hub.doctor.examination import examined
from genkan_spawner.api import KubernetesApi

from ...support.cluster import Cluster
from ...support.sandbox import SandboxRun
from .conftest import CATALOGUE
from .test_rights import without


async def genkan(kubeconfig: Path, *arguments: str) -> tuple[int, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from genkan_hub.cli import main; main()", "doctor", "--json", *arguments),
        f"--kubeconfig={kubeconfig}",
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    return process.returncode or 0, json.loads(printed)


def worrying(found: list[Diagnosis]) -> dict[Topic, list[str]]:
    told: dict[Topic, list[str]] = {}
    for one in found:
        if one.level is not Level.OK:
            told.setdefault(one.topic, []).append(one.sentence)
    return told


async def look(api: KubernetesApi, folder: Path, **changes: Any) -> dict[Topic, list[str]]:
    """Look at the cluster with a catalogue in which something is different."""
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(CATALOGUE), **changes}))
    return worrying(await examined(api, namespace="genkan", account="genkan-hub", catalogue=path))


async def test_what_the_chart_has_prepared_is_well(run: SandboxRun) -> None:
    """Seen by an administrator, with the catalogue that the chart brought."""
    assert run.ready is not None
    code, told = await genkan(run.ready.kubeconfig, "--namespace=genkan")

    assert [one for one in told["diagnoses"] if one["level"] != Level.OK] == []
    assert {one["topic"] for one in told["diagnoses"]} == set(Topic)
    assert (code, told["level"]) == (0, Level.OK)


async def test_the_hub_itself_sees_all_but_the_namespaces(run: SandboxRun, tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text(CATALOGUE)

    code, told = await genkan(run.state / "hub.kubeconfig", f"--catalogue={tmp_path}")

    assert code == 0
    assert [one["topic"] for one in told["diagnoses"] if one["level"] == Level.UNKNOWN] == [Topic.NAMESPACES]


async def test_a_rule_that_somebody_took_away(cluster: Cluster, tmp_path: Path) -> None:
    (right,) = (one for one in hub_rights().servers if one.verbs == ("delete",))
    async with without(cluster, right):
        async with asyncio.timeout(30):
            while Topic.RIGHTS not in (told := await look(cluster.api, tmp_path)):
                await asyncio.sleep(0.1)

    assert told == {
        Topic.RIGHTS: [f"genkan-hub may not delete pods in the namespace vision. {right.without}"],
    }


HARDWARE = {"slug": "card", "display_name": "Card", "cpu": 1, "memory": "1Gi"}
A100 = "NVIDIA-A100-SXM4-80GB"
IMAGE = {"slug": "x", "display_name": "X", "image": f"registry.lab/x@sha256:{'1' * 64}"}


@pytest.mark.parametrize(
    ("changes", "topic", "words"),
    [
        (
            {"teams": [{"group": "physics", "display_name": "P", "namespace": "physics"}]},
            Topic.NAMESPACES,
            "The namespace physics of the team physics does not exist.",
        ),
        (
            {"priorities": [{"slug": "urgent", "display_name": "U", "priority_class": "genkan-urgent"}]},
            Topic.PRIORITIES,
            "The priority class genkan-urgent of the catalogue does not exist.",
        ),
        (
            {"hardware": [{**HARDWARE, "gpu": {"count": 1, "product": "Tesla-T4"}}]},
            Topic.MACHINES,
            "card: The cluster has no machine of the kind",
        ),
        (
            {"hardware": [{**HARDWARE, "gpu": {"count": 8, "product": A100}}]},
            Topic.SHARES,
            "card for language: This needs 8 GPUs, and your team's whole share is 2.",
        ),
        (
            {
                "hardware": [{**HARDWARE, "gpu": {"count": 1, "product": A100}}],
                "images": [{**IMAGE, "min_driver": "999"}],
            },
            Topic.DRIVERS,
            "card with x: This image needs GPU driver 999 or newer",
        ),
        ({"homes": {"kind": "shared", "claim": "homes", "folder": "home"}}, Topic.STORAGE, "for vision, language: "),
        ({"homes": {"kind": "claim", "storage_class": "gold"}}, Topic.STORAGE, "for vision, language: "),
        ({"images": [{**IMAGE, "image": "registry.lab/x:latest"}]}, Topic.IMAGES, "x: no digest"),
        ({"hardware": 5}, Topic.CATALOGUE, "hardware"),
    ],
    ids=lambda value: value.value if isinstance(value, Topic) else "",
)
async def test_what_a_catalogue_gets_wrong(
    *, cluster: Cluster, tmp_path: Path, changes: dict[str, Any], topic: Topic, words: str
) -> None:
    told = await look(cluster.api, tmp_path, **changes)

    assert any(words in sentence for sentence in told[topic]), told


async def test_problems_are_an_exit_code(run: SandboxRun, tmp_path: Path) -> None:
    assert run.ready is not None
    (tmp_path / "catalogue.yaml").write_text(CATALOGUE.replace("genkan-normal", "genkan-urgent"))

    code, told = await genkan(run.ready.kubeconfig, "--namespace=genkan", f"--catalogue={tmp_path}")

    assert (code, told["level"]) == (1, Level.PROBLEM)
