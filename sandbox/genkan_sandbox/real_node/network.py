"""A network that nothing but one sandbox is in, and the way into it from this machine."""

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.exceptions import AddressError, OptionError
from genkan_sandbox.real_node.namespaces import Namespace, leave

NODE_ADDRESS = "10.231.8.1"
"""Where pods find the node, the hub among its processes; no other network knows of it."""

POD_SUBNET = "10.231.9.0/24"

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Door:
    """A socket that listens on the machine's own network, for what listens at the same address in the private one."""

    socket: socket.socket
    host: str
    port: int


def open_doors(host: str, ports: Iterable[int]) -> tuple[Door, ...]:
    """Listen on the machine's own network; call it before `enter_private_network`. Raises AddressError."""
    return tuple(Door(_listening(host, port), host, port) for port in ports)


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as e:
        listener.close()
        raise AddressError(f"Port {port} of {host} cannot be used ({e.strerror}).", mend="Name another --port.") from e
    listener.setblocking(False)  # noqa: FBT003  # its only parameter
    return listener


def enter_private_network() -> None:
    """Move this process, and what it starts, to a network of its own; it ends with the last of them.

    On it every process finds the others at the same loopback addresses as in other sandboxes.
    """
    try:
        leave(Namespace.NETWORK)
        for words in (("link", "set", "lo", "up"), ("address", "add", f"{NODE_ADDRESS}/32", "dev", "lo")):
            subprocess.run(["ip", *words], check=True, capture_output=True)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    except (OSError, subprocess.CalledProcessError) as e:
        raise OptionError(
            f"This machine lets nobody make a private network ({e}).",
            mend="A real node needs root with all its rights; leave out --nodes containers here.",
        ) from e


@asynccontextmanager
async def doors_open(doors: Iterable[Door]) -> AsyncIterator[None]:
    """Pass on what comes in at the doors, for as long as the block runs."""
    servers = [await asyncio.start_server(_passing(door), sock=door.socket) for door in doors]
    try:
        yield
    finally:
        for server in servers:
            server.close()


def _passing(door: Door) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def passing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            inner_reader, inner_writer = await asyncio.open_connection(door.host, door.port)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pump(reader, inner_writer))
                    both.create_task(_pump(inner_reader, writer))
            finally:
                inner_writer.close()
        writer.close()

    return passing


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end of one side, and tell the other of it."""
    with suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()
