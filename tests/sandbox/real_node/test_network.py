import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from genkan_sandbox.exceptions import AddressError
from genkan_sandbox.real_node.network import Door, doors_open, open_doors

HOST = "127.0.0.1"


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer when the other side has said all."""
    writer.write(await reader.read())
    writer.close()


@asynccontextmanager
async def door_to(port: int) -> AsyncIterator[int]:
    """Open a door that leads to another port of the same network, and return its own."""
    (door,) = open_doors(HOST, [0])
    async with doors_open([Door(door.socket, HOST, port)]):
        yield door.socket.getsockname()[1]


async def test_what_comes_in_at_a_door_is_passed_on_and_so_are_ends() -> None:
    server = await asyncio.start_server(_echo, HOST, 0)
    async with asyncio.timeout(30), server, door_to(server.sockets[0].getsockname()[1]) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(b"x" * 1_000_000)
        writer.write_eof()

        assert await reader.read() == b"x" * 1_000_000
        writer.close()


async def test_a_door_to_nobody_is_closed_at_once() -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        async with asyncio.timeout(30), door_to(unused.getsockname()[1]) as port:
            reader, writer = await asyncio.open_connection(HOST, port)

            assert await reader.read() == b""
            writer.close()


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(AddressError, match=rf"Port {port} of 127\.0\.0\.1 cannot be used"):
            open_doors(HOST, [port])
