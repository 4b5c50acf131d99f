"""`genkan explain` against a small API server: verdicts, exit codes and what is not understood."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import (
    CLAIMS,
    CSI_DRIVERS,
    LIMIT_RANGES,
    NODES,
    PODS,
    PRIORITY_CLASSES,
    QUOTAS,
    STORAGE_CLASSES,
    VOLUMES,
)

from ..support.kubernetes import FakeApiServer, fake_api_server

GPU = "nvidia.com/gpu"
KEYS = ["check", "state", "message", "resource", "requested", "used", "limit", "over_by"]


def node(name: str = "a", **allocatable: str) -> JsonObject:
    return {
        "metadata": {"name": name, "uid": name, "resourceVersion": "1", "labels": {}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "110", GPU: "2", **allocatable},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def pod(name: str = "mine", namespace: str | None = None, **limits: str) -> JsonObject:
    resources = {GPU if key == "gpu" else key: value for key, value in limits.items()}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": {"containers": [{"name": "notebook", "resources": {"limits": resources}}]},
    }


def bound(name: str, **limits: str) -> JsonObject:
    found = pod(name, "other", **limits)
    found["metadata"] |= {"uid": name, "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    found["spec"]["nodeName"] = "a"
    return found | {"status": {"phase": "Running"}}


def quota(namespace: str = "default", **amounts: str) -> JsonObject:
    name, (hard, used) = "share", (amounts["hard"], amounts["used"])
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1"},
        "spec": {"hard": {f"requests.{GPU}": hard}},
        "status": {"hard": {f"requests.{GPU}": hard}, "used": {f"requests.{GPU}": used}},
    }


def storage_class(name: str = "fast") -> JsonObject:
    """Return the cluster's default."""
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {
        "metadata": {"name": name, "uid": name, "resourceVersion": "1", "annotations": annotations},
        "provisioner": "disks.example.org",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


async def command(*words: str, stdin: str | None = None) -> Result:
    """Run the command beside the loop that serves the cluster."""

    def run() -> Result:
        return CliRunner().invoke(app, ["explain", *words], input=stdin)

    return await asyncio.to_thread(run)


@dataclass(slots=True)
class Bench:
    """The command, and the cluster that it looks at."""

    server: FakeApiServer
    folder: Path

    def has(self, *objects: JsonObject, path: str = NODES.path()) -> None:
        self.server.objects[path] = list(objects)

    async def run(self, *words: str, stdin: str | None = None) -> Result:
        return await command("--kubeconfig", str(self.folder / "kubeconfig"), *words, stdin=stdin)

    async def ask(self, *manifests: JsonObject, words: Sequence[str] = ("--json",)) -> tuple[int, list[JsonObject]]:
        file = self.folder / "pods.yaml"
        file.write_text(yaml.safe_dump_all(manifests))
        result = await self.run("--pod", str(file), *words)
        assert result.stderr == ""
        return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with fake_api_server(tmp_path) as (server, _):
        found = Bench(server, tmp_path)
        found.has(node())
        found.has(storage_class(), path=STORAGE_CLASSES.path())
        yield found


async def test_a_pod_that_fits_is_ready(bench: Bench) -> None:
    code, (found,) = await bench.ask(pod(gpu="1"))

    assert code == 0
    assert list(found) == ["demand", "state", "would_preempt", "findings"]
    assert (found["demand"], found["state"], found["would_preempt"]) == ("mine", "ready", False)
    assert [list(finding) for finding in found["findings"]] == [KEYS] * 6


async def test_a_full_cluster_refuses_or_makes_wait(bench: Bench) -> None:
    bench.has(bound("p", gpu="2"), path=PODS.path())

    code, (found,) = await bench.ask(pod(gpu="1"))
    fit = next(finding for finding in found["findings"] if finding["check"] == "fit")

    assert (code, found["state"], fit["resource"], fit["over_by"]) == (4, "refused", GPU, "1")
    assert (await bench.ask(pod(gpu="1"), words=["--json", "--when-full", "wait"]))[0] == 3


async def test_a_start_that_pushes_others_out_is_ready(bench: Bench) -> None:
    bench.has(bound("p", gpu="2"), path=PODS.path())
    bench.has({"metadata": {"name": "high", "uid": "h"}, "value": 1000}, path=PRIORITY_CLASSES.path())
    wanted = pod(gpu="1")
    wanted["spec"]["priorityClassName"] = "high"

    code, (found,) = await bench.ask(wanted)

    assert (code, found["state"], found["would_preempt"]) == (0, "ready", True)


async def test_a_quota_refuses_with_its_numbers(bench: Bench) -> None:
    bench.has(quota(hard="4", used="4"), path=QUOTAS.path())

    code, (found,) = await bench.ask(pod(gpu="1"))

    assert code == 4
    assert found["findings"][1] == {
        "check": "quota",
        "state": "refused",
        "message": "Your team's share of GPUs is used up: 4 of 4 GPUs are in use, and this needs 1. "
        "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share.",
        "resource": f"requests.{GPU}",
        "requested": "1",
        "used": "4",
        "limit": "4",
        "over_by": "1",
    }


async def test_the_namespace_of_the_manifest_counts(bench: Bench) -> None:
    bench.has(quota("team", hard="0", used="0"), path=QUOTAS.path())

    assert (await bench.ask(pod(gpu="1")))[0] == 0
    assert (await bench.ask(pod("mine", "team", gpu="1")))[0] == 4


async def test_the_namespace_of_the_context_stands_in(bench: Bench) -> None:
    bench.has(quota("team", hard="0", used="0"), path=QUOTAS.path())
    file = bench.folder / "kubeconfig"
    settings = json.loads(file.read_text())
    settings["contexts"][0]["context"]["namespace"] = "team"
    file.write_text(json.dumps(settings))

    assert (await bench.ask(pod(gpu="1")))[0] == 4


async def test_defaults_of_limit_ranges_count(bench: Bench) -> None:
    limits = {"spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "9"}, "default": {"cpu": "9"}}]}}
    bench.has({"metadata": {"name": "l", "namespace": "default"}} | limits, path=LIMIT_RANGES.path())

    code, (found,) = await bench.ask(pod(gpu="1"))

    assert (code, found["state"]) == (4, "refused")
    assert (await bench.ask(pod(gpu="1", cpu="1")))[0] == 0


async def test_several_are_judged_each_by_itself_and_the_worst_decides(bench: Bench) -> None:
    code, found = await bench.ask(pod("small", gpu="2"), pod("second", gpu="2"), pod("large", gpu="3"))

    assert (code, [(one["demand"], one["state"]) for one in found]) == (
        4,
        [("small", "ready"), ("second", "ready"), ("large", "refused")],
    )


async def test_the_cluster_is_looked_at_once(bench: Bench) -> None:
    await bench.ask(pod("a"), pod("b"), pod("c"))

    asked = [request.path for request in bench.server.requests]
    storage = (CLAIMS, CSI_DRIVERS, STORAGE_CLASSES, VOLUMES)
    kinds = (NODES, PODS, QUOTAS, PRIORITY_CLASSES, LIMIT_RANGES, *storage)
    assert sorted(asked) == sorted(kind.path() for kind in kinds)


async def test_a_cluster_that_refuses_to_be_read_is_unknown(bench: Bench) -> None:
    bench.server.failures = [(403, "Forbidden")] * 9

    code, (found,) = await bench.ask(pod(gpu="1"))

    assert (code, found["state"]) == (5, "unknown")


@pytest.mark.parametrize(
    ("used", "gpus", "state"), [("0", "1", "unknown"), ("4", "1", "refused"), ("0", "3", "refused")]
)
async def test_with_rights_in_a_namespace_only_nothing_is_promised(
    bench: Bench, used: str, gpus: str, state: str
) -> None:
    """Others may hold what looks free; a share that is used up and a machine that is too small are seen."""
    bench.server.refused = {kind.path(): (403, "Forbidden") for kind in (PODS, QUOTAS, LIMIT_RANGES, CLAIMS)}
    bench.has(quota("team", hard="4", used=used), path=QUOTAS.path(namespace="team"))

    _, (found,) = await bench.ask(pod(namespace="team", gpu=gpus))

    assert found["state"] == state


async def test_a_cluster_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    async with fake_api_server(tmp_path) as (server, _):
        bench = Bench(server, tmp_path)

    assert (await bench.ask(pod()))[0] == 5


async def test_standard_input_and_lists_are_read(bench: Bench) -> None:
    rows = {"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b", gpu="9")]}

    result = await bench.run("--pod", "-", stdin=f"---\n{json.dumps(rows)}\n---\n---\n{json.dumps(pod('c'))}\n")

    assert result.exit_code == 4
    assert result.stdout == (
        "a: ready\n"
        "b: refused\n"
        "  fit: This needs 9 GPUs, and the largest machine has 2. Choose smaller hardware.\n"
        "c: ready\n"
    )


async def test_a_pod_without_a_name_is_called_by_its_place(bench: Bench) -> None:
    nameless = pod()
    nameless["metadata"] = {}

    _, (found,) = await bench.ask(nameless)

    assert found["demand"] == f"{bench.folder / 'pods.yaml'}, document 1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Name what to explain: --hardware NAME, --pod FILE, or --pod - for standard input."),
        ("a: [", "standard input, line 1: This is no YAML."),
        ("kind: Deployment", "standard input, document 1: This is no pod manifest"),
        ("[1]", "standard input, document 1: This is no pod manifest"),
        ("{kind: List, items: 3}", "standard input, document 1: The items of this List are no list."),
        ("{kind: Pod, spec: {}}", "standard input, document 1: spec.containers: This must have at least one entry."),
        (
            "{kind: Pod, spec: {containers: [{name: a, resources: {limits: {cpu: 4 cores}}}]}}",
            "standard input, document 1: spec.containers[0].resources.limits.cpu: '4 cores' is no quantity",
        ),
    ],
)
async def test_what_is_not_understood_is_told(bench: Bench, text: str, sentence: str) -> None:
    result = await bench.run("--pod", "-", stdin=text)

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"genkan explain: {sentence}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "Name what to explain: --hardware NAME, --pod FILE, or --pod - for standard input."),
        (["--pod", "gone.yaml"], "gone.yaml: There is no such file."),
        (["--pod", "."], ".: This cannot be read; it has to be a text file in UTF-8."),
    ],
)
async def test_what_cannot_be_found_is_told(bench: Bench, words: list[str], sentence: str) -> None:
    result = await bench.run(*words)

    assert (result.exit_code, result.stderr) == (2, f"genkan explain: {sentence}\n")


@pytest.mark.parametrize("content", [None, "", "[]", "a: [", json.dumps({"kind": "Config", "contexts": []})])
async def test_a_kubeconfig_that_names_no_cluster_is_told(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "config"
    if content is not None:
        file.write_text(content)

    result = await command("--kubeconfig", str(file), "--pod", "-", stdin=json.dumps(pod()))

    assert result.exit_code == 2
    assert result.stderr == (
        f"genkan explain: {file}: There is no kubeconfig here that names a cluster; give one with --kubeconfig.\n"
    )
