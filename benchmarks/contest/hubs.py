"""Hubs as separate processes, each with a proxy and a database of its own."""

import asyncio
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from benchmarks.contest.arena import Arena, Place
from benchmarks.contest.contestants import Contestant
from benchmarks.contest.settings import SETTINGS, HubSettings
from benchmarks.exceptions import BenchmarkError
from benchmarks.instruments.usage import Usage
from benchmarks.machine import ROOT
from benchmarks.processes import end, launch
from genkan_sandbox.state import write_private
from genkan_sandbox.supervision.components import last_lines

ANSWERS_WITHIN = 90.0
"""Seconds until a hub that does not answer has failed."""

_STOPPED_WITHIN = 20.0
_POLL = 0.1
_HOST = "127.0.0.1"
_CONFIGURATION = Path(__file__).with_name("jupyterhub_config.py")


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that answers, or did."""

    contestant: Contestant
    place: Place
    settings: HubSettings
    process: asyncio.subprocess.Process
    log: Path

    @property
    def url(self) -> str:
        """Where people open it, through the proxy."""
        return self.settings.public_url

    @property
    def health_url(self) -> str:
        """What answers as soon as the event loop has a moment, without the proxy."""
        return f"{self.settings.hub_url}/hub/health"

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self.process.returncode is None

    def usage(self) -> Usage:
        """Read what its process has used so far, without the proxy."""
        return Usage.of(self.process.pid)


@asynccontextmanager
async def running_hub(
    arena: Arena, contestant: Contestant, *, start_seconds: float = 0, start_timeout: int = 120
) -> AsyncIterator[Hub]:
    """Run a new hub of one contestant in its place of the arena; its servers' pods go with it."""
    place = await arena.place(contestant.slug)
    folder = arena.new_folder(contestant.slug)
    settings = _settings(arena, contestant, place, folder, start_seconds=start_seconds, start_timeout=start_timeout)
    file = folder / "settings.json"
    write_private(file, settings.model_dump_json())
    token = {"CONFIGPROXY_AUTH_TOKEN": secrets.token_hex(16)}
    proxy = await launch(
        _proxy_command(arena.proxy, settings), output=folder / "proxy.log", folder=folder, environment=token
    )
    hub: asyncio.subprocess.Process | None = None
    log = folder / "hub.log"
    try:
        hub = await launch(
            (sys.executable, "-m", "jupyterhub", f"--config={_CONFIGURATION}"),
            output=log,
            folder=folder,
            environment={
                **token,
                "PYTHONPATH": str(ROOT),
                "KUBECONFIG": str(place.kubeconfig),
                SETTINGS: str(file),
            },
        )
        running = Hub(contestant, place, settings, hub, log)
        await _until_answering(running)
        yield running
    finally:
        if hub is not None:
            await end(hub, within=_STOPPED_WITHIN)
        await end(proxy, within=_STOPPED_WITHIN)
        await arena.clear(place)


@asynccontextmanager
async def running_hubs(
    arena: Arena, contestants: Iterable[Contestant], *, start_seconds: float = 0
) -> AsyncIterator[list[Hub]]:
    """Run the hubs of several contestants side by side."""
    async with AsyncExitStack() as stack:
        starting = (running_hub(arena, contestant, start_seconds=start_seconds) for contestant in contestants)
        yield list(await asyncio.gather(*map(stack.enter_async_context, starting)))


def _settings(
    arena: Arena, contestant: Contestant, place: Place, folder: Path, *, start_seconds: float, start_timeout: int
) -> HubSettings:
    public, hub, proxy_api = _free_ports(3)
    return HubSettings(
        contestant=contestant,
        public_url=f"http://{_HOST}:{public}/",
        hub_url=f"http://{_HOST}:{hub}",
        proxy_api_url=f"http://{_HOST}:{proxy_api}",
        folder=folder,
        namespace=place.namespace,
        password=secrets.token_urlsafe(9),
        catalogue_file=arena.catalogue,
        null_address=arena.null_address,
        start_seconds=start_seconds,
        start_timeout=start_timeout,
    )


def _proxy_command(proxy: Sequence[str], settings: HubSettings) -> tuple[str, ...]:
    public, api = settings.public_url.rstrip("/"), settings.proxy_api_url
    return (
        *proxy,
        f"--ip={_HOST}",
        f"--port={public.rpartition(':')[2]}",
        f"--api-ip={_HOST}",
        f"--api-port={api.rpartition(':')[2]}",
        f"--default-target={settings.hub_url}",
        f"--error-target={settings.hub_url}/hub/error",
    )


async def _until_answering(hub: Hub) -> None:
    try:
        async with asyncio.timeout(ANSWERS_WITHIN), aiohttp.ClientSession() as session:
            while not await _answers(session, f"{hub.url}hub/health"):
                if not hub.alive:
                    raise BenchmarkError(f"The hub with {hub.contestant} ended:\n{last_lines(hub.log, 20)}")
                await asyncio.sleep(_POLL)
    except TimeoutError as e:
        raise BenchmarkError(
            f"The hub with {hub.contestant} did not answer within {ANSWERS_WITHIN:.0f} seconds:\n"
            f"{last_lines(hub.log, 20)}"
        ) from e


async def _answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except aiohttp.ClientError:
        return False


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((_HOST, 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()
