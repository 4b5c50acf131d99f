"""What a start has told so far, for as many pages as are open."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field

from genkan_profiles.language.sentences import NOTHING, Sentence
from genkan_spawner.following.steps import Progress, Step


@dataclass(frozen=True, slots=True)
class Told:
    """One sentence of a start and how far it had come by then."""

    percent: int
    sentence: Sentence
    step: Step = field(default=Step.ASKED, compare=False)
    at: float = field(default=0.0, compare=False)
    """Seconds since the start began."""


class Story:
    """The sentences of one start, in order; whoever comes later hears them from the beginning."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: float | None = None
        self._told: list[Told] = []
        self._news = asyncio.Event()

    def tell(self, progress: Progress) -> None:
        """Add a sentence unless it is the one told last; the bar never goes back."""
        if self._began is None:
            self._began = self._clock()
        percent = max(progress.step.value, self._told[-1].percent if self._told else 0)
        if self._told and self._told[-1].sentence == progress.sentence:
            return
        self._told.append(Told(percent, progress.sentence, progress.step, self.age))
        news, self._news = self._news, asyncio.Event()
        news.set()

    @property
    def age(self) -> float:
        """Seconds since the start began; 0 before."""
        return self._clock() - self._began if self._began is not None else 0.0

    @property
    def told(self) -> Sequence[Told]:
        """All sentences so far."""
        return self._told

    @property
    def last(self) -> Sentence:
        """The newest sentence; empty before the first."""
        return self._told[-1].sentence if self._told else NOTHING

    async def read(self) -> AsyncGenerator[Told]:
        """Yield every sentence, those to come too; it has no end of its own."""
        position = 0
        while True:
            news = self._news
            while position < len(self._told):
                yield self._told[position]
                position += 1
            await news.wait()

    async def beyond(self, count: int, *, within: float) -> None:
        """Wait until there are more than so many sentences, for so many seconds."""
        try:
            async with asyncio.timeout(within):
                while len(self._told) <= count:
                    await self._news.wait()
        except TimeoutError:
            return
