"""What stands in a start's way ends it with its reason."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from genkan_spawner.following.pod_events import LATER
from genkan_spawner.kinds import PODS
from genkan_spawner.reasons import Reason
from genkan_spawner.starting.pursuit import LOOK_EVERY

from ...support.jumping import in_jumping_time, now
from ..stage import NAMESPACE, TOKEN, Stage, stage
from .scenes import NAME, ago, condition, no_room, pursue, refusal, waiting

Act = Callable[[Stage], Awaitable[None]]


async def _unschedulable(play: Stage) -> None:
    await play.set(conditions=[no_room(61)])


async def _claim_missing(play: Stage) -> None:
    await play.set(conditions=[no_room(61, 'persistentvolumeclaim "claim-alice" not found.')])


async def _no_such_image(play: Stage) -> None:
    await play.set(node_name="a", containerStatuses=waiting("ErrImagePull", "registry.example.org/x: not found"))


async def _registry_away(play: Stage) -> None:
    scheduled = condition("PodScheduled", "True", "", since=ago(31))
    await play.set(
        node_name="a", conditions=[scheduled], containerStatuses=waiting("ImagePullBackOff", "dial tcp: timeout")
    )


async def _mount(play: Stage) -> None:
    await play.set(node_name="a", containerStatuses=waiting("ContainerCreating"))
    play.happen(play.pod() or {}, "FailedMount", "exit status 32")


async def _attach(play: Stage) -> None:
    await play.set(node_name="a", containerStatuses=waiting("ContainerCreating"))
    play.happen(play.pod() or {}, "FailedAttachVolume", "Multi-Attach error for volume pvc-1")


async def _crash(play: Stage) -> None:
    play.cluster.logs[NAME] = f"Traceback\nJUPYTERHUB_API_TOKEN={TOKEN}\nValueError: no\n"
    last = {"terminated": {"reason": "Error", "exitCode": 3, "finishedAt": ago(1)}}
    await play.set(node_name="a", containerStatuses=waiting("CrashLoopBackOff", restartCount=2, lastState=last))


async def _crash_without_a_log(play: Stage) -> None:
    last = {"terminated": {"reason": "Error", "exitCode": 3, "finishedAt": ago(1)}}
    await play.set(node_name="a", containerStatuses=waiting("CrashLoopBackOff", restartCount=2, lastState=last))


async def _out_of_memory(play: Stage) -> None:
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": ago(1)}}
    await play.set(node_name="a", containerStatuses=waiting("CrashLoopBackOff", restartCount=2, lastState=last))


async def _preempted(play: Stage) -> None:
    await play.set(node_name="a", conditions=[condition("DisruptionTarget", "True", "PreemptionByScheduler")])


async def _preempted_and_gone(play: Stage) -> None:
    await _preempted(play)
    play.cluster.remove(PODS, NAME, namespace=NAMESPACE)


async def _failed_on_the_machine(play: Stage) -> None:
    await play.set(node_name="a", phase="Failed", reason="UnexpectedAdmissionError")


async def _deleted_by_somebody(play: Stage) -> None:
    await play.cluster.delete(PODS, NAME, namespace=NAMESPACE, grace_seconds=30)


async def _removed_by_force(play: Stage) -> None:
    await play.seen(lambda: play.view.servers.get(NAMESPACE, NAME))
    await asyncio.sleep(0.1)
    await play.cluster.delete(PODS, NAME, namespace=NAMESPACE, grace_seconds=0)


@pytest.mark.parametrize(
    ("act", "reason", "status", "sentence"),
    [
        (_unschedulable, Reason.CAPACITY, 409, "No machine has had room for this server."),
        (_claim_missing, Reason.STORAGE, 409, "The storage of this server is not there"),
        (_no_such_image, Reason.IMAGE, 409, "The image does not exist"),
        (_registry_away, Reason.IMAGE, 409, "The image cannot be fetched at the moment."),
        (_mount, Reason.STORAGE, 409, "The storage of this server cannot be mounted"),
        (_attach, Reason.STORAGE, 409, "Your storage is still held by another server on another machine"),
        (
            _crash,
            Reason.UNAVAILABLE,
            503,
            "with exit code 3. Its last words: Traceback / JUPYTERHUB_API_TOKEN=... / ValueError: no",
        ),
        (
            _crash_without_a_log,
            Reason.UNAVAILABLE,
            503,
            "The server ended again and again while it started, with exit code 3.",
        ),
        (_out_of_memory, Reason.CAPACITY, 409, "The server needs more memory to start than this hardware has."),
        (_preempted, Reason.PRIORITY, 409, "The server was stopped to make room for a job of higher priority."),
        (_preempted_and_gone, Reason.PRIORITY, 409, "The server was stopped to make room"),
        (_failed_on_the_machine, Reason.CAPACITY, 409, "one of its GPUs has failed."),
        (_deleted_by_somebody, Reason.UNAVAILABLE, 503, "The server was taken away."),
        (_removed_by_force, Reason.UNAVAILABLE, 503, "The server was taken away while it started."),
    ],
)
def test_each_obstacle_ends_the_start_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, *, act: Act, reason: Reason, status: int, sentence: str
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            following = pursue(play, play.put())
            await asyncio.sleep(0)
            began = now()
            await act(play)

            found = await refusal(following)

            assert (found.reason, found.status_code) == (reason, status)
            assert sentence in found.jupyterhub_message
            assert TOKEN not in str(found)
            assert now() - began <= LATER + LOOK_EVERY

    run()
