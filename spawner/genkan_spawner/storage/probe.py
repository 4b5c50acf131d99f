"""Questions that may never be answered, such as to a file system whose server is gone.

Each is asked in a thread of its own that nothing waits for: a pool would run out of threads, and a hub that ends would
wait for them.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Probe(Generic[T]):
    """One question, asked by one thread at a time; for one event loop."""

    def __init__(self, ask: Callable[[], T]) -> None:
        self._ask = ask
        self._asked: asyncio.Future[T] | None = None

    async def answer(self, *, within: float) -> T:
        """Return the answer, or raise what asking raises; TimeoutError if there is none for so many seconds.

        While an earlier question hangs, nothing more is asked.
        """
        if self._asked is None:
            self._asked = self._begin()
        asked = self._asked
        await asyncio.wait({asked}, timeout=within)
        if not asked.done():
            raise TimeoutError
        self._asked = None
        return asked.result()

    def _begin(self) -> "asyncio.Future[T]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def ask() -> None:
            try:
                found = self._ask()
            except Exception as e:  # noqa: BLE001  # it is raised where the answer is awaited
                tell(future.set_exception, e)
            else:
                tell(future.set_result, found)

        def tell(how: Callable[..., None], what: object) -> None:
            # The loop of a hub that has ended takes nothing.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, future, how, what)

        threading.Thread(target=ask, name="disk", daemon=True).start()
        return future


def _settle(future: "asyncio.Future[T]", how: Callable[..., None], what: object) -> None:
    if not future.done():
        how(what)
        # Nobody may be waiting any more.
        future.exception()
