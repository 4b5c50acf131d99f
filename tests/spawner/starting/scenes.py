"""What tests of starts have in common: a pod that is followed, what becomes of it, and how it is refused."""

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.following.endings import Patience
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.refusals import Refusal
from genkan_spawner.starting.pursuit import Pursuit
from genkan_spawner.starting.story import Story

from ...support.jumping import now
from ..stage import TOKEN, Stage, stamp

NAME = "jupyter-alice"
HOME: dict[str, Any] = {"storage_pvc_ensure": True, "storage_capacity": "10Gi"}
SHARE_USED_UP = (
    'persistentvolumeclaims "claim-alice" is forbidden: exceeded quota: disks, '
    "requested: requests.storage=10Gi, used: requests.storage=95Gi, limited: requests.storage=100Gi"
)
PATIENCE = Patience(placing=60.0, pulling=30.0, mounting=60.0)


def pursue(
    play: Stage, pod: JsonObject, *, story: Story | None = None, patience: Patience = PATIENCE, seconds: float = 300.0
) -> "asyncio.Task[JsonObject]":
    pursuit = Pursuit(play.view, pod, story=story or Story(), patience=patience, deadline=now() + seconds)
    return asyncio.create_task(pursuit.until_running())


async def refusal(doing: Awaitable[Any]) -> Refusal:
    """Return with what something is refused; it never holds a token."""
    with pytest.raises(Refusal) as refused:
        await doing
    assert TOKEN not in str(refused.value)
    return refused.value


def ago(seconds: float) -> str:
    return stamp(datetime.now(tz=UTC) - timedelta(seconds=seconds))


def condition(kind: str, status: str, reason: str, message: str = "", *, since: str = "") -> JsonObject:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since or ago(0),
    }


def container(state: JsonObject, **more: Any) -> JsonObject:
    return {"name": "notebook", "ready": False, "restartCount": 0, "state": state, **more}


def waiting(reason: str, message: str = "", **more: Any) -> list[JsonObject]:
    return [container({"waiting": {"reason": reason, "message": message}}, **more)]


def no_room(seconds: float, message: str = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu.") -> JsonObject:
    return condition("PodScheduled", "False", "Unschedulable", message, since=ago(seconds))


def claims(play: Stage) -> list[str]:
    return [claim["metadata"]["name"] for claim in play.cluster.all(CLAIMS)]
