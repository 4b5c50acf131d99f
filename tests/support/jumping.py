"""An event loop whose time passes only while nothing else is to be done, and then at once.

Waiting costs nothing, and how long something took is told exactly. It is for tests without a network: while an answer
is on its way through a socket, time would run.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")


class _Selector(selectors.SelectSelector):
    """Turns the time for which a loop wants to wait into time that has passed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found and timeout is None:
            raise AssertionError("Everybody waits, and nothing will ever happen.")
        if not found and timeout:
            self.now += timeout
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """Jumps over the time in which nothing happens."""

    def __init__(self) -> None:
        self._jumping = _Selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def in_jumping_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run a test on such a loop; a task that it leaves behind is a defect."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        loop = JumpingLoop()
        try:
            loop.run_until_complete(test(*args, **kwargs))
            loop.run_until_complete(asyncio.sleep(0))
            left = [task for task in asyncio.all_tasks(loop) if not task.done()]
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            assert not left, left
        finally:
            loop.close()

    return run


def now() -> float:
    """Return the seconds of the running loop."""
    return asyncio.get_running_loop().time()
