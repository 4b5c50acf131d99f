"""A single-user server of a built image, started as a hub starts it."""

import asyncio
import json
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from .containers import Surroundings, UnpackedImage, running
from .stub_hub import PREFIX, TOKEN, StubHub, stub_hub

WITHIN = 120
AUTHORIZED = {"Authorization": f"token {TOKEN}"}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    hub: StubHub
    url: str
    process: subprocess.Popen[bytes]
    log: Path
    ready_after: float
    """Seconds from the start of its container to its first answer."""

    @property
    def said(self) -> str:
        return self.log.read_text(errors="replace")

    async def stop(self) -> int:
        """End it as a kubelet does, and return its status; runc hands the signal on, and the hub goes on answering."""
        return await stopped(self.process)

    async def computes(self, code: str) -> str:
        """Return what a new kernel prints for a line of Python."""
        async with httpx.AsyncClient(base_url=self.url, headers=AUTHORIZED, timeout=WITHIN) as client:
            started = await client.post("api/kernels", json={"name": "python3"})
            assert started.status_code == httpx.codes.CREATED, started.text
            kernel = started.json()["id"]
            address = f"{self.url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"
            async with asyncio.timeout(WITHIN), connect(address, additional_headers=AUTHORIZED) as channels:
                await channels.send(json.dumps(_request(code)))
                return await _printed(channels)


@asynccontextmanager
async def serving(
    image: UnpackedImage, folder: Path, surroundings: Surroundings | None = None
) -> AsyncIterator[Server]:
    """Start a server, and wait until it answers."""
    given = surroundings or Surroundings()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with stub_hub() as hub:
        given = replace(given, environ=hub.environ(port=port) | dict(given.environ))
        began = time.monotonic()
        with running(image.command([*image.entrypoint, "jupyterhub-singleuser"], given), folder / "log") as process:
            url = f"http://127.0.0.1:{port}{PREFIX}"
            await _until_it_answers(url, process, folder / "log")
            yield Server(hub, url, process, folder / "log", time.monotonic() - began)


async def _until_it_answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + WITHIN
    async with httpx.AsyncClient() as client:
        while time.monotonic() < end and process.poll() is None:
            with suppress(httpx.HTTPError):
                if (await client.get(f"{url}api")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)
    pytest.fail(f"The server did not answer:\n{last_words(log)}")


async def stopped(process: "subprocess.Popen[bytes]") -> int:
    """End a container, and return its status; what it asks of stubs meanwhile is answered."""
    process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(process.wait, timeout=WITHIN)


def last_words(log: Path) -> str:
    """Return the end of a log."""
    return log.read_text(errors="replace")[-4000:]


def _request(code: str) -> dict[str, Any]:
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": "tests",
        "username": "",
        "version": "5.3",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "stop_on_error": True}
    return {
        "header": header,
        "parent_header": {},
        "metadata": {},
        "content": content,
        "channel": "shell",
        "buffers": [],
    }


async def _printed(channels: Any) -> str:
    """Read what a kernel says until it is idle again; `channels` is the connection to it."""
    printed = ""
    async for text in channels:
        message = json.loads(text)
        if message["msg_type"] == "stream":
            printed += message["content"]["text"]
        elif message["msg_type"] == "error":
            pytest.fail("\n".join(message["content"]["traceback"]))
        elif message["msg_type"] == "execute_reply":
            break
    return printed
