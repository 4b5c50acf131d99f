import asyncio
import socket

import httpx
import pytest

from genkan_hub.cluster_page import doorstep
from genkan_hub.cluster_page.doorstep import Doorstep


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def test_whoever_comes_early_is_asked_for_patience() -> None:
    port = free_port()
    step = Doorstep("127.0.0.1", port)
    async with httpx.AsyncClient() as client:
        for _ in range(3):
            answer = await client.get(f"http://127.0.0.1:{port}/services/cluster/")
            assert (answer.status_code, answer.headers["Refresh"]) == (425, "1")
    step.leave().close()


async def test_the_port_is_handed_over_without_a_gap() -> None:
    port = free_port()
    listening = Doorstep("127.0.0.1", port).leave()
    asked = asyncio.create_task(asyncio.to_thread(httpx.get, f"http://127.0.0.1:{port}/"))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, sock=listening):
        assert (await asked).status_code == 204


def test_a_port_that_is_held_for_good_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doorstep, "PORT_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as holder, pytest.raises(OSError, match="in use"):
        Doorstep("127.0.0.1", holder.getsockname()[1])


def test_a_port_that_is_about_to_be_free_is_waited_for() -> None:
    holder = socket.create_server(("127.0.0.1", 0))
    port = holder.getsockname()[1]

    async def both() -> Doorstep:
        waiting = asyncio.create_task(asyncio.to_thread(Doorstep, "127.0.0.1", port))
        await asyncio.sleep(0)
        holder.close()
        return await waiting

    asyncio.run(both()).leave().close()
