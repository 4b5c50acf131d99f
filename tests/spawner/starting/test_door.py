"""From a pod that runs to a server that takes connections."""

import asyncio
import socket

import pytest

from genkan_spawner.starting.door import door_opened
from genkan_spawner.starting.pursuit import Pursuit
from genkan_spawner.starting.story import Story

from ...support.jumping import in_jumping_time, now
from ..stage import ADDRESS, Stage, stage
from .scenes import PATIENCE, container, refusal


def closed_port() -> int:
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        port: int = free.getsockname()[1]
        return port


def knock(play: Stage, *, within: float) -> "asyncio.Task[None]":
    pursuit = Pursuit(play.view, play.put(), story=Story(), patience=PATIENCE, deadline=now() + 1000)
    return asyncio.create_task(pursuit.until_answering(f"http://{ADDRESS}:{closed_port()}", within=within))


async def test_a_door_that_opens_later_is_found_open() -> None:
    port = closed_port()
    waiting = asyncio.create_task(door_opened(f"http://{ADDRESS}:{port}"))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    async with await asyncio.start_server(lambda _, writer: writer.close(), ADDRESS, port):
        await asyncio.wait_for(waiting, 5)


@in_jumping_time
async def test_a_server_that_does_not_answer_in_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        began = now()
        refused = await refusal(knock(play, within=30))
        assert "does not answer" in refused.jupyterhub_message
        assert now() - began == pytest.approx(30, abs=1)


@in_jumping_time
async def test_a_server_that_fails_before_it_answers_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        knocking = knock(play, within=120)
        await asyncio.sleep(3)
        ended = {"terminated": {"reason": "Error", "exitCode": 3}}
        began = now()
        await play.set(node_name="a", phase="Failed", containerStatuses=[container(ended)])
        refused = await refusal(knocking)
        assert "exit code 3" in refused.jupyterhub_message
        assert now() - began < 2
