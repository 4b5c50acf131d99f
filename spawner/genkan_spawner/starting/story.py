"""What a start has told so far, for as many pages as are open."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from genkan_spawner.following.steps import Progress


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence of a start and how far it had come by then."""

    percent: int
    sentence: str


class Story:
    """The sentences of one start, in order; whoever comes later hears them from the beginning."""

    def __init__(self) -> None:
        self._told: list[Told] = []
        self._news = asyncio.Event()

    def tell(self, progress: Progress) -> None:
        """Add a sentence unless it is the one told last; the bar never goes back."""
        percent = max(progress.step.value, self._told[-1].percent if self._told else 0)
        told = Told(percent, progress.sentence)
        if self._told and self._told[-1].sentence == told.sentence:
            return
        self._told.append(told)
        news, self._news = self._news, asyncio.Event()
        news.set()

    @property
    def last(self) -> str:
        """The newest sentence; empty before the first."""
        return self._told[-1].sentence if self._told else ""

    async def read(self) -> AsyncGenerator[Told]:
        """Yield every sentence, those to come too; it has no end of its own."""
        position = 0
        while True:
            news = self._news
            while position < len(self._told):
                yield self._told[position]
                position += 1
            await news.wait()
