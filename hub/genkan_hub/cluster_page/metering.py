"""The measurements of all GPUs, asked for again and again, and what there is to say where they cannot be had."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from genkan_profiles.language.sentences import NOTHING, Sentence, say

from .exceptions import MeasurementError
from .hub_report import PageSettings
from .measurements import (
    ENGINE_ACTIVE,
    MEMORY_FREE,
    MEMORY_USED,
    UTILISATION,
    DeviceKey,
    Idling,
    Measurement,
    Measurements,
    device_key,
    measured,
)
from .prometheus import Prometheus, Sample

log = logging.getLogger(__name__)

PAST_EVERY = 60.0
"""Seconds between two looks at the past, which cost more."""

PAST, STEP = "12h", "2m"
"""How far and how finely the past is looked at."""

STALE = 300.0
"""Seconds after which a reading counts as none."""

_BY_DEVICE = "by (UUID, GPU_I_ID)"


class Meter:
    """Knows what was last measured; nobody who asks waits for Prometheus."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._settings = PageSettings()
        self._changed = asyncio.Event()
        self._known = Measurements()
        self._idling = Idling()
        self._past_at = float("-inf")
        self._read_at: float | None = None
        self.problem = NOTHING
        """Why nothing new is known, in a sentence for administrators."""

    @property
    def configured(self) -> bool:
        """Whether there is a Prometheus to ask."""
        return bool(self._settings.prometheus_url)

    @property
    def age(self) -> float | None:
        """Seconds since Prometheus last answered; None if it never did."""
        return None if self._read_at is None else max(self._clock() - self._read_at, 0.0)

    def measurements(self) -> Measurements:
        """Return what was last measured, as long as that is of use."""
        return self._known if self.age is not None and self.age < STALE else Measurements()

    def follow(self, settings: PageSettings) -> None:
        """Ask as these settings say from now on."""
        if settings != self._settings:
            if settings.prometheus_url != self._settings.prometheus_url:
                self._forget()
            self._settings = settings
            self._changed.set()

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            self._changed.clear()
            if self.configured:
                await self.read()
            try:
                async with asyncio.timeout(self._settings.prometheus_every):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def read(self) -> None:
        """Ask once; a failure is noted and leaves what is known."""
        settings = self._settings
        token = Path(settings.prometheus_token_file) if settings.prometheus_token_file else None
        prometheus = Prometheus(settings.prometheus_url, token_file=token)
        try:
            found = await _present(prometheus, settings)
            if self._clock() - self._past_at >= PAST_EVERY:
                self._idling, self._past_at = await _past(prometheus, settings), self._clock()
        except MeasurementError as e:
            self._tell(e.sentence)
            return
        except Exception:
            log.exception("Reading what was measured failed.")
            self._tell(say("What was measured cannot be read; the log of the cluster page shows why."))
            return
        if settings is not self._settings:
            return
        self._idling = _with_busy(self._idling, found, least=settings.idle_utilisation)
        self._known = Measurements.of(found, self._idling)
        self._read_at = self._clock()
        none = say("Prometheus at {address} has no measurements of GPUs.", address=prometheus.address)
        self._tell(NOTHING if found else none)

    def _forget(self) -> None:
        self._known, self._idling = Measurements(), Idling()
        self._past_at, self._read_at, self.problem = float("-inf"), None, NOTHING

    def _tell(self, problem: Sentence) -> None:
        if problem and problem != self.problem:
            log.warning("%s", problem)
        elif self.problem and not problem:
            log.info("The use of GPUs is known again.")
        self.problem = problem


async def _present(prometheus: Prometheus, settings: PageSettings) -> list[Measurement]:
    extra = _selector(settings.prometheus_labels)
    names = f"{UTILISATION}|{ENGINE_ACTIVE}|{MEMORY_USED}|{MEMORY_FREE}"
    separator = "," if extra else ""
    values = await prometheus.ask(f'{{__name__=~"{names}"{separator}{extra}}}')
    times = f"timestamp({MEMORY_USED}{{{extra}}}) or timestamp({UTILISATION}{{{extra}}})"
    return measured(values, at=_moments(await prometheus.ask(f"max {_BY_DEVICE} ({times})")))


async def _past(prometheus: Prometheus, settings: PageSettings) -> Idling:
    extra, least = _selector(settings.prometheus_labels), settings.idle_utilisation
    computing = f"({UTILISATION}{{{extra}}} > {least:g}) or ({ENGINE_ACTIVE}{{{extra}}} * 100 > {least:g})"
    there = f"{UTILISATION}{{{extra}}} or {ENGINE_ACTIVE}{{{extra}}}"
    busy = await prometheus.ask(f"max {_BY_DEVICE} (max_over_time(timestamp({computing})[{PAST}:{STEP}]))")
    seen = await prometheus.ask(f"min {_BY_DEVICE} (min_over_time(timestamp({there})[{PAST}:{STEP}]))")
    return Idling(last_busy=_moments(busy), first_seen=_moments(seen))


def _with_busy(idling: Idling, found: list[Measurement], *, least: float) -> Idling:
    """Add what is seen now: the past is looked at less often and less finely."""
    busy = {row.key: row.at for row in found if row.at and row.utilisation is not None and row.utilisation > least}
    seen = {row.key: row.at for row in found if row.at and row.utilisation is not None}
    return Idling(last_busy={**idling.last_busy, **busy}, first_seen={**seen, **idling.first_seen})


def _moments(samples: list[Sample]) -> Mapping[DeviceKey, float]:
    found = ((device_key(sample.labels), sample.value) for sample in samples)
    return {key: value for key, value in found if key is not None}


def _selector(labels: Mapping[str, str]) -> str:
    """Write what narrows all questions to one cluster's series.

    https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
    """
    return ",".join(f'{name}="{_quoted(value)}"' for name, value in sorted(labels.items()))


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
