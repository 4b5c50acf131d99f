"""How full a disk is, read from where the hub has it mounted, or from Prometheus."""

import json
import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.api import JsonObject

MOST_NAMED = 3
"""Of those who use most, so many are told."""

_USED, _CAPACITY = "kubelet_volume_stats_used_bytes", "kubelet_volume_stats_capacity_bytes"
_LONGEST_FILE = 10_000_000
_SECRET = re.compile(r"//[^/]*@")
"""A user with a password in an address."""


class ReadingError(Exception):
    """A disk of which it is not known how full it is; `sentence` is for administrators."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes in use and bytes there are."""

    used: int
    size: int


def read_mount(path: Path) -> Reading:
    """Ask the file system as `df` does: what only root could still use is not there. May hang. Raises ReadingError."""
    try:
        found = os.statvfs(path)
    except OSError as e:
        raise ReadingError(say("{path} cannot be looked at: {why}.", path=path, why=e.strerror)) from e
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    return Reading(used, used + found.f_bavail * found.f_frsize)


def read_largest(path: Path) -> tuple[tuple[str, int], ...]:
    """Return who uses most, by a file with a mapping of users to bytes. May hang. Raises ReadingError."""
    try:
        with path.open("rb") as file:
            rows: Any = json.loads(file.read(_LONGEST_FILE))
        found = [(str(user), int(used)) for user, used in rows.items() if int(used) > 0]
    except (OSError, ValueError, TypeError, AttributeError, OverflowError) as e:
        raise ReadingError(
            say("{path} does not tell who uses most: it has to map users to bytes, as JSON.", path=path)
        ) from e
    return tuple(sorted(found, key=lambda row: (-row[1], row[0]))[:MOST_NAMED])


async def read_prometheus(address: str, claim: str) -> Mapping[str, Reading]:
    """Ask for the kubelets' statistics of all claims of a name, by namespace. Raises ReadingError.

    https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
    """
    query = f'{{__name__=~"{_USED}|{_CAPACITY}",persistentvolumeclaim="{claim}"}}'
    shown = shown_address(address)
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{address.rstrip('/')}/api/v1/query", params={"query": query}) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise ReadingError(
                    say(
                        "Prometheus at {address} answers with an error ({status}).",
                        address=shown,
                        status=response.status,
                    )
                )
            answer: JsonObject = json.loads(await response.read())
            return _by_namespace(answer["data"]["result"])
    except (aiohttp.ClientError, OSError) as e:
        raise ReadingError(say("Prometheus at {address} does not answer.", address=shown)) from e
    except (ValueError, LookupError, TypeError) as e:
        raise ReadingError(say("Prometheus at {address} answers what cannot be understood.", address=shown)) from e


def shown_address(address: str) -> str:
    """Return an address without the password that may be in it."""
    return _SECRET.sub("//", address)


def fullest(readings: Iterable[Reading]) -> Reading:
    """Return the reading of which the greatest part is used; there has to be one."""
    return max(readings, key=lambda reading: reading.used / reading.size)


def _by_namespace(rows: list[JsonObject]) -> Mapping[str, Reading]:
    """Put the two series of each kubelet together; every node that has a volume mounted tells of it."""
    amounts: dict[tuple[str, frozenset[tuple[str, str]]], dict[str, int]] = {}
    for row in rows:
        name, labels = row["metric"]["__name__"], frozenset((row["metric"] | {"__name__": ""}).items())
        value = float(row["value"][1])
        if math.isfinite(value):
            amounts.setdefault((row["metric"]["namespace"], labels), {})[name] = int(value)
    readings: dict[str, list[Reading]] = {}
    for (namespace, _), found in amounts.items():
        if found.keys() == {_USED, _CAPACITY} and found[_CAPACITY] > 0:
            readings.setdefault(namespace, []).append(Reading(found[_USED], found[_CAPACITY]))
    return {namespace: fullest(found) for namespace, found in readings.items()}
