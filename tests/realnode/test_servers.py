"""GenkanSpawner starts images on a kubelet: what is in the container is what a user gets."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from genkan_sandbox.agent.devices import device_name
from genkan_sandbox.agent.records import DeviceOffer
from genkan_sandbox.real_node.cgroups import unified
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import NODES, PODS

from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun
from .conftest import Visit

NODE = "machine-0"
GPU = "nvidia.com/gpu"
CARDS = [device_name(NODE, DeviceOffer(GPU, 2), index) for index in range(2)]

FACTS = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
home = os.stat(os.environ["HOME"])
print(json.dumps({
    "uid": os.getuid(),
    "groups": sorted(os.getgroups()),
    "first": open("/proc/1/cmdline").read().split("\\0"),
    "capabilities": status["CapEff"].strip(),
    "no_new_privileges": status["NoNewPrivs"].strip(),
    "seccomp": status["Seccomp"].strip(),
    "home": [home.st_gid, oct(home.st_mode & 0o7777)],
    "shm": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
    "visible": os.environ.get("NVIDIA_VISIBLE_DEVICES"),
    "cards": sorted(name for name in os.listdir("/dev") if name.startswith("nvidia")),
    "entrypoint": os.environ.get("GENKAN_TEST_ENTRYPOINT"),
    "memory": next(int(open(path).read()) for path in
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes") if os.path.exists(path)),
}))
"""

EATER = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'b\"x\" * (3 << 30)']).returncode)"


async def facts(person: Person) -> JsonObject:
    """Return what a kernel of the user's server sees."""
    found: JsonObject = json.loads(await person.run(FACTS))
    return found


async def only_pod(cluster: Cluster, user: str) -> JsonObject:
    (pod,) = await cluster.pods_of(user)
    return pod


@pytest.fixture(scope="module")
async def alice(real_node: SandboxRun, images: list[str]) -> AsyncIterator[Person]:
    """Somebody with a server without devices, the same for the tests of this module that only look at it."""
    async with Person.visiting(real_node.url, real_node.user("alice")) as person:
        await person.start(profile="cpu", image=images[0])
        yield person


@pytest.fixture(scope="module")
async def seen(alice: Person) -> JsonObject:
    return await facts(alice)


async def test_a_server_is_a_container_of_the_kubelet(alice: Person, node_cluster: Cluster) -> None:
    pod = await only_pod(node_cluster, "alice")

    assert await alice.run("6 * 7") == "42"
    assert pod["spec"]["nodeName"] == NODE
    assert pod["status"]["containerStatuses"][0]["containerID"].startswith("containerd://")


async def test_arguments_leave_the_entrypoint_of_the_image_in_place(
    seen: JsonObject, node_cluster: Cluster, images: list[str]
) -> None:
    container = (await only_pod(node_cluster, "alice"))["spec"]["containers"][0]

    assert "command" not in container
    assert container["args"][0] == "jupyterhub-singleuser"
    assert seen["first"][0].endswith("tini")
    assert seen["entrypoint"] == ("kept" if images == ["single-user"] else None)


async def test_the_user_and_the_groups_are_those_of_the_configuration(seen: JsonObject) -> None:
    assert seen["uid"] == 1000
    assert 2000 in seen["groups"]


async def test_a_home_belongs_to_the_group_of_volumes(alice: Person, seen: JsonObject) -> None:
    assert seen["home"] == [2000, "0o2777"]

    await alice.write("note.txt", "kept")
    assert await alice.run("import os; os.stat('note.txt').st_gid") == "2000"


async def test_a_server_has_the_rights_of_the_restricted_standard(seen: JsonObject) -> None:
    assert seen["capabilities"] == "0" * 16
    assert (seen["no_new_privileges"], seen["seccomp"]) == ("1", "2")


async def test_a_pod_beyond_the_restricted_standard_is_refused(node_cluster: Cluster) -> None:
    with pytest.raises(ForbiddenError, match='violates PodSecurity "restricted'):
        await node_cluster.add_pod(simulate=False, container={"securityContext": {"privileged": True}})


async def test_a_server_without_devices_sees_none(seen: JsonObject) -> None:
    assert seen["visible"] == "void"
    assert seen["cards"] == []


async def test_memory_has_the_limit_of_the_profile(seen: JsonObject) -> None:
    assert seen["memory"] == 2**30


@pytest.mark.skipif(unified(), reason="with version 2 of control groups the kernel ends the whole container")
async def test_what_takes_more_memory_is_killed_and_the_server_is_not(alice: Person) -> None:
    assert await alice.run(EATER) == "-9"
    assert await alice.run("6 * 7") == "42"


async def test_a_container_that_takes_more_memory_is_killed(node_cluster: Cluster, alice: Person) -> None:
    image = (await only_pod(node_cluster, "alice"))["spec"]["containers"][0]["image"]
    eater = {"image": image, "command": ["python3", "-c", "b'x' * (1 << 30)"]}

    pod = await node_cluster.add_pod(simulate=False, resources={"memory": "128Mi", "cpu": "100m"}, container=eater)
    ended = await node_cluster.until_phase(pod["metadata"]["name"], "Failed")

    state = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (state["reason"], state["exitCode"]) == ("OOMKilled", 137)


async def test_a_root_that_cannot_be_written_is_no_hindrance(visit: Visit, images: list[str]) -> None:
    async with visit("bob") as bob:
        await bob.start(profile="cpu", image=images[0])

        assert "Read-only file system" in await bob.run("open('/usr/new', 'w')")
        await bob.write("note.txt", "kept")
        assert await bob.read("note.txt") == "kept"


async def test_a_stopped_server_ends_by_itself(visit: Visit, node_cluster: Cluster, images: list[str]) -> None:
    async with visit("carol") as carol:
        await carol.start(profile="cpu", image=images[0])
        pod = await only_pod(node_cluster, "carol")
        name = pod["metadata"]["name"]
        async with node_cluster.kept(name):
            stopping = asyncio.create_task(carol.stop())
            ended = await node_cluster.until(
                PODS,
                name,
                lambda pod: "terminated" in pod["status"]["containerStatuses"][0]["state"],
                namespace=node_cluster.namespace,
            )
        await stopping

    assert ended["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0


async def test_a_server_with_devices_is_told_which(visit: Visit, images: list[str]) -> None:
    async with visit("carol") as carol:
        await carol.start(profile="gpu-1", image=images[0])
        seen = await facts(carol)

    assert seen["visible"] in CARDS
    assert seen["cards"] == [f"nvidia{CARDS.index(seen['visible'])}"]
    assert seen["shm"] == 2**29, "half of the memory"


async def test_a_full_pool_refuses_before_anything_is_created(
    visit: Visit, node_cluster: Cluster, images: list[str]
) -> None:
    async with visit("carol") as carol, visit("bob") as bob:
        await carol.start(profile="gpu-2", image=images[0])
        seen = await facts(carol)
        answer = await bob.submit(profile="gpu-1", image=images[0])

        assert sorted(seen["visible"].split(",")) == sorted(CARDS)
        assert "that this could use are in use" in answer.text
        assert await bob.servers() == {}
        assert await node_cluster.pods_of("bob") == []


async def test_the_kubelet_itself_refuses_what_it_has_no_device_for(
    visit: Visit, node_cluster: Cluster, images: list[str]
) -> None:
    async with visit("carol") as carol:
        await carol.start(profile="gpu-2", image=images[0])
        pod = await node_cluster.add_pod(simulate=False, resources={GPU: "1"}, nodeName=NODE)
        ended = await node_cluster.until_phase(pod["metadata"]["name"], "Failed")

    assert ended["status"]["reason"] == "UnexpectedAdmissionError"
    assert f"unavailable for {GPU}. Requested: 1, Available: 0" in ended["status"]["message"]


async def test_every_image_that_was_built_becomes_a_server(visit: Visit, images: list[str]) -> None:
    async with visit("carol") as carol:
        for image in images[1:]:
            await carol.start(profile="gpu-1", image=image)
            assert (await facts(carol))["visible"] in CARDS
            await carol.stop()


async def test_an_image_that_does_not_exist_ends_the_start_with_its_reason(visit: Visit, node_cluster: Cluster) -> None:
    async with visit("carol") as carol:
        await carol.submit(profile="cpu", image="missing")
        told = await carol.told()
        await node_cluster.until_no_pods_of("carol")

    assert told[-1]["failed"]
    assert "image" in told[-1]["message"]


async def test_a_broken_device_is_offered_no_more(real_node: SandboxRun, node_cluster: Cluster) -> None:
    broken = real_node.state / "node" / "unhealthy"
    broken.write_text(f"{CARDS[0]}\n")
    try:
        await node_cluster.until(NODES, NODE, lambda node: node["status"]["allocatable"][GPU] == "1")
    finally:
        broken.unlink()
    await node_cluster.until(NODES, NODE, lambda node: node["status"]["allocatable"][GPU] == "2")
