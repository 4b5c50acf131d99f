"""The page's port while the rest of it is being loaded.

A hub goes on with its own start only when a service that it has started answers, and ends if it never does.
"""

import errno
import socket
import threading
import time
from contextlib import suppress

PORT_SECONDS = 15.0
"""For how long the port may be held by what an earlier hub has left."""

_PAUSE = 0.2
_BODY = b"The cluster page is starting.\n"
_ANSWER = (
    b"HTTP/1.1 425 Too Early\r\nContent-Type: text/plain\r\nRefresh: 1\r\nCache-Control: no-store\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


class Doorstep:
    """Answers every request with a word of patience, until `leave` gives the port to those who have more to say."""

    def __init__(self, address: str, port: int) -> None:
        """Begin to listen; raises OSError where that cannot be."""
        self._socket = _listening(address, port)
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._answer, name="doorstep", daemon=True)
        self._thread.start()

    def leave(self) -> socket.socket:
        """Stop answering, and return the socket that listens."""
        self._leaving.set()
        self._thread.join()
        self._socket.settimeout(0)
        return self._socket

    def _answer(self) -> None:
        self._socket.settimeout(_PAUSE)
        while not self._leaving.is_set():
            with suppress(OSError):
                visitor, _ = self._socket.accept()
                with visitor:
                    visitor.settimeout(_PAUSE)
                    visitor.recv(65536)
                    visitor.sendall(_ANSWER)


def _listening(address: str, port: int) -> socket.socket:
    until = time.monotonic() + PORT_SECONDS
    while True:
        try:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            return socket.create_server((address, port), family=family, backlog=128)
        except OSError as e:
            if e.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
            time.sleep(_PAUSE)
