"""`genkan explain` beside what the hub's form says of the same profile, and beside what the cluster does."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator

import pytest

from genkan_hub.explain.planning import planned
from genkan_hub.explain.questions import Profile
from genkan_profiles import SAMPLE
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import NODES

from ..support.cards import card_text
from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun
from .test_checks import wanted

GPU = "nvidia.com/gpu"
GTX = "nvidia.com/gpu.product=NVIDIA-GeForce-GTX-1080"
EXIT_CODES = {"ready": 0, "waits": 3, "refused": 4, "unknown": 5}


@pytest.fixture
async def alice(sandbox: SandboxRun) -> AsyncIterator[Person]:
    async with Person.visiting(sandbox.url, sandbox.user("alice")) as found:
        yield found


@pytest.fixture
async def gtx_nodes(cluster: Cluster) -> AsyncIterator[list[str]]:
    """The machines with a GTX 1080, open again after the test."""
    names = [node["metadata"]["name"] for node in await cluster.api.list(NODES, label_selector=GTX)]
    yield names
    for name in names:
        await cluster.cordon(name, cordoned=False)


async def explained(sandbox: SandboxRun, *words: str, stdin: str = "") -> JsonObject:
    """Run the command as an administrator, and see that its exit code fits what it says."""
    assert sandbox.ready is not None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from genkan_hub.cli import main; main()", "explain", "--json", *words),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "KUBECONFIG": str(sandbox.ready.kubeconfig)},
    )
    answer, _ = await process.communicate(stdin.encode())
    (line,) = answer.splitlines()
    found: JsonObject = json.loads(line)
    assert process.returncode == EXIT_CODES[found["state"]]
    return found


async def said_by_command(sandbox: SandboxRun, cluster: Cluster, hardware: str) -> tuple[str, str]:
    """Return state and sentence of what alice would start, as the card has them."""
    who = ("--user", "alice", "--groups", ",".join(sandbox.user("alice").groups))
    hub = ("--catalogue", str(SAMPLE), "--namespace", cluster.namespace)
    found = await explained(sandbox, "--hardware", hardware, *who, *hub)
    worst = next(one for one in found["findings"] if one["state"] == found["state"])
    return found["state"], worst["message"]


async def said_by_form(person: Person, hardware: str) -> tuple[str, str]:
    page = (await person.page("spawn")).text
    card = card_text(page, hardware)
    return card.state, card.reason


async def until_the_form_says(person: Person, hardware: str, said: tuple[str, str]) -> None:
    """The form follows the cluster within moments."""
    found = await said_by_form(person, hardware)
    try:
        async with asyncio.timeout(10):
            while found != said:
                await asyncio.sleep(0.2)
                found = await said_by_form(person, hardware)
    except TimeoutError:
        assert found == said


async def test_what_is_free_is_ready_in_both(sandbox: SandboxRun, cluster: Cluster, alice: Person) -> None:
    for hardware in ("cpu-small", "gtx-1080", "v100-1"):
        said = await said_by_command(sandbox, cluster, hardware)
        assert said[0] == "ready"
        await until_the_form_says(alice, hardware, said)


async def test_a_full_quota_is_told_in_the_same_words(sandbox: SandboxRun, cluster: Cluster, alice: Person) -> None:
    await cluster.add_quota({f"requests.{GPU}": "2"}, namespace="vision")

    said = await said_by_command(sandbox, cluster, "v100-4")

    assert said[0] == "refused"
    assert said[1].startswith("This needs 4 GPUs, and your team's whole share is 2.")
    await until_the_form_says(alice, "v100-4", said)


async def test_machines_out_of_service_are_told_in_the_same_words(
    sandbox: SandboxRun, cluster: Cluster, alice: Person, gtx_nodes: list[str]
) -> None:
    for name in gtx_nodes:
        await cluster.cordon(name)

    said = await said_by_command(sandbox, cluster, "gtx-1080")

    assert said[0] == "refused"
    assert "out of service" in said[1]
    await until_the_form_says(alice, "gtx-1080", said)


async def test_what_is_kept_for_others_is_told_as_the_start_tells_it(
    sandbox: SandboxRun, cluster: Cluster, alice: Person
) -> None:
    answer = await alice.api("POST", "users/alice/server", json={"user_options": {"profile": "a100-4"}})

    assert await said_by_command(sandbox, cluster, "a100-4") == ("refused", answer.json()["message"])


async def test_a_manifest_that_admission_refuses_is_refused_with_the_same_numbers(
    sandbox: SandboxRun, cluster: Cluster
) -> None:
    await cluster.add_quota({f"requests.{GPU}": "1"})
    manifest = wanted(cluster, "test-explained", {GPU: "3"})

    found = await explained(sandbox, "--pod", "-", stdin=json.dumps(manifest))

    (told,) = [one for one in found["findings"] if one["check"] == "quota"]
    numbers = (told["resource"], told["requested"], told["used"], told["limit"], told["over_by"])
    assert (found["state"], numbers) == ("refused", (f"requests.{GPU}", "3", "0", "1", "2"))
    with pytest.raises(ForbiddenError, match=rf"requested: requests\.{GPU}=3, used: requests\.{GPU}=0, limited"):
        await cluster.add(manifest)


async def test_the_pod_that_is_explained_is_the_one_that_is_started(cluster: Cluster, alice: Person) -> None:
    groups = alice.user.groups
    profile = Profile("gtx-1080", user="alice", groups=groups, image="pytorch-24-12", catalogue=SAMPLE)
    expected = demand_of((await planned(profile, cluster.api, namespace=cluster.namespace)).manifest)

    await alice.start(profile="gtx-1080", image="pytorch-24-12")

    (pod,) = await cluster.pods_of("alice")
    found = demand_of(pod)
    for name in ("name", "namespace", "requests", "limits", "priority_class", "best_effort", "unforeseen"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.placement.node_selector == expected.placement.node_selector
    assert found.placement.terms == expected.placement.terms
    assert set(found.placement.tolerations) >= set(expected.placement.tolerations)
