"""Whether a server takes connections yet."""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

KNOCK_EVERY = 0.1
"""Seconds between two attempts: a server needs some to start, and its user waits for nothing else."""

PATIENCE = 2.0
"""Seconds for one attempt."""


async def door_opened(url: str) -> None:
    """Return as soon as something takes connections at an address; plain or encrypted makes no difference."""
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    while True:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                _, writer = await asyncio.open_connection(address.hostname, port)
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return
        await asyncio.sleep(KNOCK_EVERY)
