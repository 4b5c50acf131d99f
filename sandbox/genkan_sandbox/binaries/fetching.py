"""Fetch files over HTTP without ever waiting long for a network that is not there.

urllib honours the proxies of the environment and the system's certificates; what it lacks, a limit on looking a name
up, is added here.
"""

import hashlib
import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

_SOCKET_S = 5.0
"""For each of connecting, the handshake and the next bytes."""

_OPEN_S = 10.0
"""For all until the first byte."""

_LOOK_AGAIN_S = 0.2
_CHUNK = 1 << 18
_SMALL = 1 << 20

Response: TypeAlias = http.client.HTTPResponse


class UnavailableError(Exception):
    """Something cannot be had from the network here; the message is a clause that says why. Another way may work."""


@dataclass(frozen=True, slots=True)
class Fetcher:
    """A client whose waits are short and can be ended."""

    tick: Callable[[], None]
    """Called at least several times a second; what it raises ends the fetch."""

    def text(self, url: str) -> str:
        """Fetch a small text. UnavailableError: it cannot be had."""
        with self._open(url) as response:
            return _read(response, _SMALL, url=url).decode(errors="replace")

    def file(self, url: str, *, to: Path, show: Callable[[float], None]) -> str:
        """Fetch a file, show the fraction that is done, and return its SHA-256.

        UnavailableError: it cannot be had, or not all of it. OSError: it cannot be written.
        """
        total = hashlib.sha256()
        done = 0
        with self._open(url) as response, to.open("wb") as file:
            expected = response.length
            while chunk := _read(response, _CHUNK, url=url):
                self.tick()
                file.write(chunk)
                total.update(chunk)
                done += len(chunk)
                show(done / expected if expected else 0.0)
        if expected is not None and done != expected:
            raise UnavailableError(f"the connection to {_host(url)} broke off")
        return total.hexdigest()

    def _open(self, url: str) -> Response:
        """Open an address in a thread of its own, since looking its name up may hang longer than anybody waits."""
        answers: queue.SimpleQueue[Response | Exception] = queue.SimpleQueue()
        threading.Thread(target=_ask, args=(url, answers), name="genkan-fetch", daemon=True).start()
        answer = self._await(answers, url=url)
        with _reaching(url):
            if isinstance(answer, Exception):
                raise answer
        if url.startswith("https:") and not answer.url.startswith("https:"):
            answer.close()
            raise UnavailableError(f"{_host(url)} leads to an address without encryption")
        return answer

    def _await(self, answers: "queue.SimpleQueue[Response | Exception]", *, url: str) -> Response | Exception:
        end = time.monotonic() + _OPEN_S
        while time.monotonic() < end:
            self.tick()
            try:
                return answers.get(timeout=_LOOK_AGAIN_S)
            except queue.Empty:
                continue
        raise UnavailableError(f"{_host(url)} did not answer within {_OPEN_S:.0f} seconds")


def _ask(url: str, answers: "queue.SimpleQueue[Response | Exception]") -> None:
    try:
        # Official addresses, or a test's.
        answers.put(urllib.request.urlopen(url, timeout=_SOCKET_S))  # noqa: S310
    except Exception as error:  # noqa: BLE001  (handed on to the thread that asked)
        answers.put(error)


def _read(response: Response, size: int, *, url: str) -> bytes:
    with _reaching(url):
        return response.read(size)


@contextmanager
def _reaching(url: str) -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise UnavailableError(f"{_host(url)} answered {error.code} ({error.reason})") from error
    except urllib.error.URLError as error:
        reason = error.reason.strerror if isinstance(error.reason, OSError) else error.reason
        raise UnavailableError(f"{_host(url)} cannot be reached ({reason or error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the connection to {_host(url)} broke off") from error


def _host(url: str) -> str:
    return urlsplit(url).netloc
