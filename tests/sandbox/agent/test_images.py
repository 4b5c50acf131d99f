import asyncio
from pathlib import Path

import pytest

from genkan_sandbox.agent.faults import fault_entry
from genkan_sandbox.agent.images import _duration
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.records import ContainerRecord
from genkan_sandbox.agent.status import Waiting
from genkan_spawner.kinds import EVENTS

from ...support.fake_cluster import FakeCluster
from .machines import machine, told
from .manifests import pod_record

LAB = ContainerRecord("notebook", "lab:1")
NOT_FOUND = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "lab:1": '
    'failed to resolve reference "lab:1": lab:1: not found'
)


class Pulls:
    """Pods of one node that need an image."""

    def __init__(self, made: Machine) -> None:
        self.machine = made
        self.states: list[Waiting] = []
        self.pods = 0

    async def pull(self, *, node: str = "a-0", always: bool = False) -> None:
        self.pods += 1
        pod = pod_record(f"pod-{self.pods}", nodeName=node)
        await self.machine.images.ensure(pod, LAB, always=always, waiting=self.states.append)

    async def events(self, cluster: FakeCluster, count: int) -> list[tuple[str, str]]:
        task = asyncio.create_task(self.machine.events.run())
        await cluster.until(lambda: len(cluster.all(EVENTS)) >= count)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return told(cluster)


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def pulls(cluster: FakeCluster, tmp_path: Path) -> Pulls:
    return Pulls(machine(cluster, tmp_path))


async def test_an_image_is_pulled_once_per_node(pulls: Pulls, cluster: FakeCluster) -> None:
    await pulls.pull()
    await pulls.pull()
    await pulls.pull(always=True)
    await pulls.pull(node="a-1")

    found = await pulls.events(cluster, 7)
    reasons = [reason for reason, _ in found]
    assert reasons == ["Pulling", "Pulled", "Pulled", "Pulling", "Pulled", "Pulling", "Pulled"]
    assert found[0][1] == 'Pulling image "lab:1"'
    assert found[1][1].startswith('Successfully pulled image "lab:1" in ')
    assert found[2][1] == 'Container image "lab:1" already present on machine and can be accessed by the pod'


async def test_a_missing_image_fails_backs_off_and_goes_on_when_it_is_there(pulls: Pulls, cluster: FakeCluster) -> None:
    pulls.machine.faults.post(fault_entry("image-missing"))
    task = asyncio.create_task(pulls.pull())
    found = await pulls.events(cluster, 5)

    assert found == [
        ("Pulling", 'Pulling image "lab:1"'),
        ("Failed", f'Failed to pull image "lab:1": {NOT_FOUND}'),
        ("Failed", "Error: ErrImagePull"),
        ("BackOff", 'Back-off pulling image "lab:1"'),
        ("Failed", "Error: ImagePullBackOff"),
    ]
    assert pulls.states == [
        Waiting("ErrImagePull", NOT_FOUND),
        Waiting("ImagePullBackOff", f'Back-off pulling image "lab:1": ErrImagePull: {NOT_FOUND}'),
    ]
    pulls.machine.faults.post({})
    await task


async def test_an_image_name_that_cannot_be_read(pulls: Pulls, cluster: FakeCluster) -> None:
    pulls.machine.faults.post(fault_entry("invalid-image"))
    task = asyncio.create_task(pulls.pull())
    found = await pulls.events(cluster, 2)

    assert [reason for reason, _ in found] == ["InspectFailed", "Failed"]
    assert found[1][1] == "Error: InvalidImageName"
    assert [state.reason for state in pulls.states] == ["InvalidImageName"]
    pulls.machine.faults.post({})
    await task


async def test_a_slow_pull_ends_when_its_time_is_over_or_the_fault_is(pulls: Pulls, cluster: FakeCluster) -> None:
    pulls.machine.faults.post(fault_entry("slow-pull", seconds=3600))
    task = asyncio.create_task(pulls.pull())
    assert await pulls.events(cluster, 1) == [("Pulling", 'Pulling image "lab:1"')]
    assert not task.done()

    pulls.machine.faults.post(fault_entry("slow-pull", seconds=0.01))
    await task


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0004, "0ms"), (0.7123, "712ms"), (4.002, "4.002s"), (62.5, "1m2.500s")]
)
def test_durations_are_written_as_go_does(seconds: float, words: str) -> None:
    assert _duration(seconds) == words
