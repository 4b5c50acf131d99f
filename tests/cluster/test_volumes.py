"""Claims: data that outlives pods, on all nodes or on one, and that no deletion destroys."""

import asyncio
import uuid
from pathlib import Path

from genkan_sandbox.agent.persistent import RELEASED
from genkan_spawner.kinds import CLAIMS, EVENTS, PODS

from ..support.cluster import WITHIN, Cluster
from ..support.sandbox import SandboxRun
from ..support.shells import WAIT, Shells, container_status, home_on, on, unschedulable


async def test_what_one_node_writes_to_a_shared_claim_another_reads(shells: Shells, cluster: Cluster) -> None:
    first, second = await asyncio.gather(cluster.add_node(), cluster.add_node())
    await shells.add_claim("test-home")
    wrote = await shells.run('echo "from the first" > "$HOME/notes.txt"', **home_on("test-home"), **on(first))
    read = await shells.run('cat "$HOME/notes.txt"', **home_on("test-home"), **on(second))
    assert (wrote.pod["spec"]["nodeName"], read.pod["spec"]["nodeName"]) == (first, second)
    assert read.log == "from the first\n"


async def test_two_pods_use_a_shared_claim_at_once(shells: Shells) -> None:
    await shells.add_claim("test-home")
    await shells.begin(f'echo hello > "$HOME/notes.txt"; {WAIT}', **home_on("test-home"))
    read = await shells.run('until cat "$HOME/notes.txt" 2>/dev/null; do sleep 0.05; done', **home_on("test-home"))
    assert read.log == "hello\n"


async def test_a_local_claim_ties_pods_to_its_node(shells: Shells, cluster: Cluster) -> None:
    here, elsewhere = await asyncio.gather(cluster.add_node(), cluster.add_node())
    await shells.add_claim("test-local", "local")
    first = await shells.run('echo mine > "$HOME/notes.txt"', **home_on("test-local"), **on(here))
    again = await shells.run('cat "$HOME/notes.txt"', **home_on("test-local"))
    assert first.pod["spec"]["nodeName"] == again.pod["spec"]["nodeName"] == here
    assert again.log == "mine\n"
    stuck = await shells.start("exit 0", **home_on("test-local"), **on(elsewhere))
    message = await unschedulable(cluster, stuck)
    assert "1 node(s) didn't match PersistentVolume's node affinity" in message


async def test_a_local_claim_for_many_nodes_is_refused_with_a_sentence(shells: Shells, cluster: Cluster) -> None:
    claim = await shells.add_claim("test-local", "local", accessModes=["ReadWriteMany"])
    await shells.start("exit 0", **home_on("test-local"))
    selector = f"involvedObject.uid={claim['metadata']['uid']},reason=ProvisioningFailed"
    async with asyncio.timeout(WITHIN):
        while not (found := await cluster.api.list(EVENTS, namespace=cluster.namespace, field_selector=selector)):
            await asyncio.sleep(0.05)
    assert found[0]["message"] == "Volumes of class local are on one node and cannot be ReadWriteMany."


async def test_the_data_of_a_deleted_claim_is_put_aside_and_not_deleted(
    shells: Shells, cluster: Cluster, sandbox: SandboxRun
) -> None:
    word = uuid.uuid4().hex
    await shells.add_claim("test-home")
    wrote = await shells.run(f'mkdir "$HOME/deep"; echo {word} > "$HOME/deep/thesis.txt"', **home_on("test-home"))
    claim = await cluster.api.get(CLAIMS, "test-home", namespace=cluster.namespace)
    volume = claim["spec"]["volumeName"]
    assert (sandbox.state / "volumes" / volume / "deep" / "thesis.txt").is_file()

    await cluster.api.delete(CLAIMS, "test-home", namespace=cluster.namespace)
    await cluster.api.delete(PODS, wrote.pod["metadata"]["name"], namespace=cluster.namespace, grace_seconds=0)
    await cluster.until_gone(CLAIMS, "test-home", namespace=cluster.namespace)
    aside = await put_aside(sandbox.state / "volumes", volume)
    assert (aside / "deep" / "thesis.txt").read_text() == f"{word}\n"


async def put_aside(volumes: Path, name: str) -> Path:
    """Wait until a volume's directory is among those that were put aside, and return it."""
    async with asyncio.timeout(WITHIN):
        while not (found := list((volumes / RELEASED).glob(f"{name}-*"))) or (volumes / name).exists():
            await asyncio.sleep(0.05)
    (aside,) = found
    return aside


async def test_a_claim_of_the_same_name_begins_empty(shells: Shells, cluster: Cluster) -> None:
    for _ in range(2):
        await shells.add_claim("test-home")
        ended = await shells.run('ls -A "$HOME"; touch "$HOME/file"', **home_on("test-home"))
        assert ended.log == ""
        await cluster.api.delete(PODS, ended.pod["metadata"]["name"], namespace=cluster.namespace, grace_seconds=0)
        await cluster.api.delete(CLAIMS, "test-home", namespace=cluster.namespace)
        await cluster.until_gone(CLAIMS, "test-home", namespace=cluster.namespace)


async def test_a_claim_in_use_stays_until_its_pods_are_gone(shells: Shells, cluster: Cluster) -> None:
    await shells.add_claim("test-home")
    pod = await shells.begin(f'trap "exit 0" TERM; echo kept > "$HOME/f"; {WAIT}', **home_on("test-home"))
    await cluster.api.delete(CLAIMS, "test-home", namespace=cluster.namespace)
    claim = await cluster.api.get(CLAIMS, "test-home", namespace=cluster.namespace)
    assert "deletionTimestamp" in claim["metadata"]
    assert container_status(await cluster.api.get(PODS, pod["metadata"]["name"], namespace=cluster.namespace))["ready"]
    await cluster.api.delete(PODS, pod["metadata"]["name"], namespace=cluster.namespace)
    await cluster.until_gone(CLAIMS, "test-home", namespace=cluster.namespace)


async def test_a_claim_that_is_missing_is_named_by_the_scheduler(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.start("exit 0", **home_on("nope"))
    assert 'persistentvolumeclaim "nope" not found' in await unschedulable(cluster, pod)
