import asyncio
from contextlib import aclosing

from genkan_spawner.following.pod_state import PodState
from genkan_spawner.following.server_pods import ServerPods

from .pods import container, raw_pod

NEVER = 3600.0


def running() -> dict[str, object]:
    return {
        "phase": "Running",
        "podIP": "127.1.2.3",
        "node": "a-0",
        "containerStatuses": [container({"running": {}}, ready=True)],
    }


async def test_whoever_waits_is_told_at_once() -> None:
    pods = ServerPods()
    seen: list[str | None] = []

    async def follow() -> None:
        async with aclosing(pods.changes("vision", "jupyter-alice", every=NEVER)) as changes:
            async for state in changes:
                seen.append(state.phase if state else None)
                if len(seen) == 3:
                    return

    async with asyncio.timeout(5):
        task = asyncio.create_task(follow())
        while len(seen) < 1:
            await asyncio.sleep(0)
        pods.show(raw_pod())
        while len(seen) < 2:
            await asyncio.sleep(0)
        pods.show(raw_pod(**running()))
        await task

    assert seen == [None, "Pending", "Running"]


async def test_several_may_wait_for_one_pod_and_leave_nothing() -> None:
    pods = ServerPods()
    first, second = (pods.changes("vision", "jupyter-alice", every=NEVER) for _ in range(2))
    assert [await anext(first), await anext(second)] == [None, None]

    pods.show(raw_pod())

    states = [await anext(first), await anext(second)]
    assert all(isinstance(state, PodState) for state in states)
    await first.aclose()
    await second.aclose()
    assert not pods._waiting


async def test_without_a_change_it_is_looked_at_every_so_often() -> None:
    pods = ServerPods()
    changes = pods.changes("vision", "jupyter-alice", every=0.001)

    assert [await anext(changes), await anext(changes)] == [None, None]
    await changes.aclose()


def test_a_list_takes_away_what_it_does_not_name() -> None:
    pods = ServerPods()
    pods.show(raw_pod())

    pods.replace([])

    assert pods.get("vision", "jupyter-alice") is None


def test_the_end_of_an_earlier_pod_of_the_same_name_is_passed_over() -> None:
    pods = ServerPods()
    pods.show(raw_pod())

    pods.drop("vision", "jupyter-alice", uid="another")
    assert pods.get("vision", "jupyter-alice") is not None
    pods.drop("vision", "jupyter-alice", uid="u1")
    assert pods.get("vision", "jupyter-alice") is None


def test_no_token_is_kept() -> None:
    pods = ServerPods()
    pods.show(raw_pod(**running()))

    assert "secret" not in repr(vars(pods))
