"""Starts that end for their storage: a claim whose volume is not made, and a disk that is full."""

import pytest

from genkan_profiles.homes import HOME
from genkan_spawner.api import JsonObject
from genkan_spawner.following.claim_events import EVERY, LATER
from genkan_spawner.kinds import CLAIMS, EVENTS, PODS
from genkan_spawner.reasons import Reason
from genkan_spawner.starting.pursuit import LOOK_EVERY

from ...support.jumping import in_jumping_time, now
from ..stage import NAMESPACE, Stage, answered, stage
from .scenes import NAME, pursue, refusal, waiting

MOUNTED = {"volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "claim-alice"}}]}


def claim(play: Stage, *, phase: str = "Pending") -> JsonObject:
    metadata = {"name": "claim-alice", "namespace": NAMESPACE}
    return play.cluster.put(CLAIMS, {"metadata": metadata, "spec": {}, "status": {"phase": phase}})


def test_the_event_of_a_claim_tells_why_its_pod_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            found = claim(play)
            play.happen(found, "ProvisioningFailed", 'storageclass.storage.k8s.io "nope" not found')
            began = now()

            told = await refusal(pursue(play, play.put(spec=MOUNTED)))

            assert told.reason == Reason.STORAGE
            assert told.jupyterhub_message == (
                "Your storage cannot be made: its kind of storage does not exist. Tell an administrator."
            )
            assert 60 <= now() - began <= 60 + EVERY + LATER + LOOK_EVERY
            assert "nope" in str(told.log_message)

    run()


def test_of_a_claim_that_has_its_volume_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            play.happen(claim(play, phase="Bound"), "ProvisioningFailed", "an earlier attempt")

            told = await refusal(pursue(play, play.put(spec=MOUNTED), seconds=120))

            assert told.reason == Reason.UNAVAILABLE
            assert "did not start in time" in told.jupyterhub_message

    run()


def test_events_that_may_not_be_read_end_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            claim(play)
            play.cluster.fails = lambda _, path: answered(403) if path.endswith(EVENTS.plural) else None

            told = await refusal(pursue(play, play.put(spec=MOUNTED), seconds=90))

            assert told.reason == Reason.UNAVAILABLE

    run()


FAILED_ONCE = waiting("CrashLoopBackOff", restartCount=1, lastState={"terminated": {"reason": "Error", "exitCode": 1}})


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        (f"OSError: [Errno 28] No space left on device: '{HOME}/.local/share'", "Your home is full,"),
        ("OSError: [Errno 122] Disk quota exceeded: 'x'", "Your share of a disk is used up,"),
    ],
)
def test_a_server_that_fails_on_a_full_disk_says_so(monkeypatch: pytest.MonkeyPatch, log: str, sentence: str) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            play.cluster.logs[NAME] = "\n".join(["Traceback", log, *("Something else." for _ in range(20))])
            following = pursue(play, play.put())
            await play.set(node_name="a", containerStatuses=FAILED_ONCE)

            told = await refusal(following)

            assert told.reason == Reason.STORAGE
            assert told.jupyterhub_message.startswith(sentence)
            assert told.jupyterhub_message.endswith(f"Its last words: {log}")
            assert play.cluster.find(PODS, NAME, namespace=NAMESPACE) is not None, "whoever started it takes it away"

    run()


def test_a_server_that_fails_for_another_reason_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play:
            play.cluster.logs[NAME] = "It broke."
            following = pursue(play, play.put())
            await play.set(node_name="a", containerStatuses=FAILED_ONCE)
            await play.seen(lambda: play.cluster.calls["GET", "log"])
            await play.run()

            await following
            assert play.cluster.calls["GET", "log"] == 1

    run()
