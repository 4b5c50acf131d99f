"""Requests to the API server, from its own log."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

WRITTEN_AFTER = 2.5
"""Seconds after which a request is in the log: the API server writes once a second."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request, however many lines the log has of it."""

    identity: str
    account: str
    verb: str
    path: str
    received: datetime


def read_requests(lines: Iterable[str], *, account: str) -> Iterator[Request]:
    """Yield each request of an account once; a watch has a line for its begin and one for its end."""
    known: set[str] = set()
    for line in lines:
        if account not in line or not line.endswith("\n"):
            continue
        entry = json.loads(line)
        if entry["user"]["username"] != account or entry["auditID"] in known:
            continue
        known.add(entry["auditID"])
        yield Request(
            identity=entry["auditID"],
            account=account,
            verb=entry["verb"],
            path=entry["requestURI"].partition("?")[0],
            received=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
        )


class AuditWindow:
    """The requests from its creation on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = log.stat().st_size
        self._began = datetime.now(tz=UTC)

    async def close(self, *, account: str) -> list[Request]:
        """Return what an account asked for up to now, as soon as all of it is written."""
        ended = datetime.now(tz=UTC)
        await asyncio.sleep(WRITTEN_AFTER)
        return await asyncio.to_thread(self._read, account, ended)

    def _read(self, account: str, ended: datetime) -> list[Request]:
        with self._log.open() as file:
            file.seek(self._offset)
            return [
                request for request in read_requests(file, account=account) if self._began <= request.received <= ended
            ]
