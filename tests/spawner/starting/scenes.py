"""A pod that is followed, and what becomes of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.following.endings import Patience
from genkan_spawner.refusals import Refusal
from genkan_spawner.starting.pursuit import Pursuit
from genkan_spawner.starting.story import Story

from ...support.jumping import now
from ..stage import Stage, stamp

NAME = "jupyter-alice"
PATIENCE = Patience(placing=60.0, pulling=30.0, mounting=60.0)


def pursue(
    play: Stage, pod: JsonObject, *, story: Story | None = None, patience: Patience = PATIENCE, seconds: float = 300.0
) -> "asyncio.Task[JsonObject]":
    began, today = now(), datetime.now(tz=UTC)
    pursuit = Pursuit(
        play.view,
        pod,
        story=story or Story(),
        patience=patience,
        deadline=began + seconds,
        now=lambda: today + timedelta(seconds=now() - began),
    )
    return asyncio.create_task(pursuit.until_running())


async def refusal(following: "asyncio.Task[JsonObject]") -> Refusal:
    with pytest.raises(Refusal) as refused:
        await following
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
