"""Keep the components running: restart what dies, give up with its last words, and end all in order."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from genkan_sandbox.exceptions import ComponentError
from genkan_sandbox.supervision.components import Component, ComponentProcess, describe_exit
from genkan_sandbox.supervision.leftovers import COMPONENT, SANDBOX, end_sandbox_processes

DEATHS, WITHIN = 5, 120.0
"""This many ends of one component within so many seconds end the sandbox."""

BACKOFF_FIRST = 0.5
"""Seconds before a restart; doubled at each further end within `WITHIN`."""

STOP_SECONDS = 8.0
"""What all components together have to end in; the last ones are killed early rather than the whole be late."""

_LEAST_GRACE = 0.5


class Supervisor:
    """The components of one sandbox; made inside a running event loop.

    `announce` gets a sentence when something is restarted; `changed` is called after each change of processes, so that
    a killed sandbox leaves a true record; `restarted` is called with the name of a component that was started anew.
    """

    def __init__(
        self,
        sandbox_id: str,
        *,
        announce: Callable[[str], None],
        changed: Callable[[], None] = lambda: None,
        restarted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._id = sandbox_id
        self._announce = announce
        self._changed = changed
        self._restarted = restarted
        self._processes: dict[str, ComponentProcess] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stopping = False

    @property
    def processes(self) -> dict[str, ComponentProcess]:
        """What runs now, by name, in the order of the starts."""
        return {name: process for name, process in self._processes.items() if process.running}

    async def start(self, component: Component) -> None:
        """Start a component and keep it running until `stop`."""
        if component.log.exists():
            component.log.replace(component.log.with_suffix(".previous.log"))
        await self._launch(component)
        self._keepers[component.name] = asyncio.create_task(self._keep(component), name=f"keep {component.name}")

    async def failure(self) -> None:
        """Wait for a component that cannot be kept running, and raise its ComponentError."""
        await asyncio.shield(self._failed)

    async def while_running(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for `work`, unless a component gives up before: then that is raised."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            if self._failed.done():
                self._failed.result()
            await task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stop(self, groups: Iterable[Iterable[str]]) -> None:
        """End the components group after group; what is in no group comes last."""
        self._stopping = True
        end = time.monotonic() + STOP_SECONDS
        named = [list(group) for group in groups]
        rest = [name for name in self._processes if not any(name in group for group in named)]
        for group in [*named, list(reversed(rest))]:
            left = max(_LEAST_GRACE, end - time.monotonic())
            ending = [self._processes[name] for name in group if name in self._processes]
            await asyncio.gather(*(one.stop(grace=min(left, one.component.grace)) for one in ending))
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)

    async def _launch(self, component: Component) -> None:
        marks = {SANDBOX: self._id, COMPONENT: component.name}
        try:
            process = await ComponentProcess.start(component, marks=marks)
        except OSError as e:
            raise ComponentError(f"{component.name} could not be started: {e.strerror}.") from e
        self._processes[component.name] = process
        self._changed()

    async def _keep(self, component: Component) -> None:
        deaths: deque[float] = deque(maxlen=DEATHS)
        try:
            while True:
                status = await self._processes[component.name].ended()
                if self._stopping:
                    return
                deaths.append(time.monotonic())
                recent = sum(1 for death in deaths if death > time.monotonic() - WITHIN)
                if recent >= DEATHS:
                    raise self._giving_up(component, status)  # one place hands failures on
                delay = BACKOFF_FIRST * 2 ** (recent - 1)
                self._announce(f"{component.name} ended ({describe_exit(status)}); starting it again in {delay:g} s.")
                await asyncio.to_thread(end_sandbox_processes, self._id, component=component.name)
                await asyncio.sleep(delay)
                if self._stopping:
                    return
                await self._launch(component)
                self._restarted(component.name)
        except ComponentError as e:
            self._fail(e)

    def _giving_up(self, component: Component, status: int) -> ComponentError:
        lines = component.last_lines()
        return ComponentError(
            f"{component.name} ended {DEATHS} times within {WITHIN:.0f} seconds, last with {describe_exit(status)}.\n"
            f"Its last lines, from {component.log}:\n{lines}"
        )

    def _fail(self, error: ComponentError) -> None:
        if not self._failed.done():
            self._failed.set_exception(error)
