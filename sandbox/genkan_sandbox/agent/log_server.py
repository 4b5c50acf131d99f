"""The part of the kubelet's API that shows containers' logs, for all nodes together and to the API server alone.

kubernetes pkg/kubelet/server/server.go, getContainerLogs
"""

import asyncio
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from typing import Annotated, BinaryIO, Literal, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from genkan_sandbox.agent.logs import NoLogError, file_of, file_of_lost, last_lines
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.records import PodRecord
from genkan_sandbox.agent.status import ContainerView, Running

_PIECE = 64 * 1024
_FOLLOW_PAUSE = 0.2
_LEAVE_SECONDS = 0.5
"""How long an answer may still take when the agent ends."""


class Pods(Protocol):
    """What the server asks of the agent."""

    def pod(self, namespace: str, name: str) -> PodRecord | None:
        """Return a pod of these nodes."""
        ...

    def view(self, pod: PodRecord, container: str) -> ContainerView | None:
        """Return a container as it is now; None where nothing of it runs or ran under this agent."""
        ...


class LogQuery(BaseModel):
    """What may be asked of a log, under the kubelet's names."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    tail_lines: Annotated[int, Field(ge=0)] | None = None
    limit_bytes: Annotated[int, Field(ge=1)] = sys.maxsize
    """After `tail_lines`, as the kubelet counts."""
    previous: bool = False
    """Show the last run that ended before, instead of the present one."""
    follow: bool = False
    """Show what is added until the run ends."""
    stream: Literal["All"] = "All"
    """Standard output and error are one file."""


@asynccontextmanager
async def serving_logs(pods: Pods, machine: Machine, *, certificates: Path) -> AsyncIterator[None]:
    """Answer the API server at the machine's endpoint, whoever else asks is refused by its certificate.

    Raises OSError where the endpoint is taken.
    """
    application = web.Application()
    route = "/containerLogs/{namespace}/{pod}/{container}"
    application.router.add_get(route, _LogServer(pods, machine).answer, allow_head=False)
    runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=_LEAVE_SECONDS)
    await runner.setup()
    try:
        endpoint = machine.endpoint
        await web.TCPSite(runner, endpoint.address, endpoint.port, ssl_context=_trust(certificates)).start()
        yield
    finally:
        await runner.cleanup()


def _trust(certificates: Path) -> ssl.SSLContext:
    """Demand a client certificate of the sandbox's authority, which gives one to the API server only."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(certificates / "nodes.crt", certificates / "nodes.key")
    return context


class _LogServer:
    """Finds the file for what is asked, and sends it."""

    def __init__(self, pods: Pods, machine: Machine) -> None:
        self._pods = pods
        self._machine = machine

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Send a container's log, or say why there is none."""
        pod = self._pods.pod(request.match_info["namespace"], request.match_info["pod"])
        name = request.match_info["container"]
        if pod is None:
            raise web.HTTPNotFound(text=f'pod "{request.match_info["pod"]}" does not exist')
        if self._machine.faults.silent(pod.node):
            raise web.HTTPServiceUnavailable(text=f'node "{pod.node}" does not answer')
        if name not in {container.name for container in pod.containers}:
            raise web.HTTPNotFound(text=f'container "{name}" not found in pod "{pod.name}"')
        query = _query(request)
        with self._opened(pod, name, previous=query.previous) as file:
            return await _send(request, file, query, lasts=self._lasting(pod, name, query))

    def _opened(self, pod: PodRecord, name: str, *, previous: bool) -> BinaryIO:
        """Open the file at once, before a restart may give it another name."""
        log = self._machine.log_file(namespace=pod.namespace, pod=pod.name, uid=pod.uid, container=name)
        view = self._pods.view(pod, name)
        try:
            if view is None:
                path = file_of_lost(log, pod=pod.name, container=name, previous=previous)
            else:
                path = file_of(view, log, pod=pod.name, previous=previous)
            return path.open("rb")
        except NoLogError as e:
            raise web.HTTPBadRequest(text=str(e)) from e
        except FileNotFoundError:
            return BytesIO()

    def _lasting(self, pod: PodRecord, name: str, query: LogQuery) -> Callable[[], bool]:
        """Return what says whether more may be added to the file that was just opened."""
        begin = self._pods.view(pod, name)

        def lasting() -> bool:
            view = self._pods.view(pod, name)
            if begin is None or view is None or query.previous:
                return False
            return isinstance(view.state, Running) and view.identity == begin.identity

        return lasting


def _query(request: web.Request) -> LogQuery:
    try:
        return LogQuery.model_validate(dict(request.query))
    except ValidationError as e:
        wrong = ", ".join(sorted({str(error["loc"][0]) for error in e.errors()}))
        known = "tailLines, limitBytes, previous and follow"
        raise web.HTTPBadRequest(text=f"The sandbox shows logs by {known}; wrong here: {wrong}.") from e


async def _send(
    request: web.Request, file: BinaryIO, query: LogQuery, *, lasts: Callable[[], bool]
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    end = file.seek(0, os.SEEK_END)
    begin = 0 if query.tail_lines is None else await asyncio.to_thread(last_lines, file, query.tail_lines)
    # What is written meanwhile is only sent to who follows: a container that never stops would never let go.
    left = query.limit_bytes if query.follow else min(query.limit_bytes, max(end - begin, 0))
    file.seek(begin)
    await response.prepare(request)
    while left > 0:
        # Asked before reading, so that a run's last words are read after its end.
        more = query.follow and lasts()
        piece = file.read(min(_PIECE, left))
        if piece:
            await response.write(piece)
            left -= len(piece)
        elif more:
            await asyncio.sleep(_FOLLOW_PAUSE)
        else:
            break
    await response.write_eof()
    return response
