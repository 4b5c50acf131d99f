"""The agent as the process that the sandbox starts."""

import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import pytest

from genkan_sandbox.control_plane.certificates import prepare_certificates

HOST = "127.251.0.1"
NOWHERE = "https://127.0.0.1:1"


def kubeconfig(directory: Path) -> Path:
    path = directory / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": NOWHERE, "insecure-skip-tls-verify": True}}
    user = {"name": "u", "user": {"token": "made-up"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    content = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "x"}
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", **content}))
    return path


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "genkan_sandbox.agent", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def until_said(process: asyncio.subprocess.Process, words: bytes) -> None:
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while words not in (line := await process.stderr.readline()):
            assert line, f"it never said {words!r}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_waits_for_a_server_and_ends_when_told_to(tmp_path: Path, number: signal.Signals) -> None:
    certificates = tmp_path / "state" / "certs"
    certificates.mkdir(parents=True)
    prepare_certificates(certificates, host=HOST)
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    process = await start(
        *("--kubeconfig", str(kubeconfig(tmp_path)), "--state", str(tmp_path / "state")),
        *("--pod-network", "127.251", "--sandbox-id", "none"),
        *("--address", HOST, "--port", str(port), "--exporter-port", "0"),
    )
    await until_said(process, b"could not be published yet")
    process.send_signal(number)
    _, said = await asyncio.wait_for(process.communicate(), 10)

    assert process.returncode == 0
    assert said.endswith(b"The node agent has ended.\n")
    assert b"Traceback" not in said


async def test_a_missing_option_is_said() -> None:
    process = await start("--state", "x")
    _, said = await process.communicate()

    assert process.returncode == 2
    assert b"the following arguments are required: --kubeconfig" in said


async def test_an_empty_id_is_refused() -> None:
    options = ("--kubeconfig", "x", "--state", "x", "--pod-network", "127.251", "--address", HOST, "--port", "1")
    process = await start(*options, "--sandbox-id", "")
    _, said = await process.communicate()

    assert process.returncode == 2
    assert b"--sandbox-id: it must not be empty" in said
