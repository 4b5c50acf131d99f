"""The first process of every pod, which only waits: a program of a few bytes, so that no compiler is needed for it."""

import struct

from genkan_sandbox.real_node.archives import Image, Layer

PAUSE_IMAGE = "genkan.local/pause:1"

_BASE = 0x400000
_HEADERS = 64 + 56
_WAITING = {
    "amd64": (62, "b8220000000f05ebf7"),
    "arm64": (183, "000080d2010080d2020080d2030080d2280980d2010000d4faffff17"),
}
"""By architecture its number in ELF, and the call of `pause`, or of `ppoll` on nothing, again and again."""


def pause_program(architecture: str) -> bytes:
    """Return a static program for Linux that waits until it is killed. KeyError: there is none for this architecture.

    https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html
    """
    machine, instructions = _WAITING[architecture]
    code = bytes.fromhex(instructions)
    size = _HEADERS + len(code)
    identity = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, _BASE + _HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, _BASE, _BASE, size, size, 0x1000)
    return identity + header + segment + code


def pause_image(architecture: str) -> Image:
    """Return the image of every pod's first container."""
    layer = Layer.of_files({"pause": pause_program(architecture)})
    return Image(PAUSE_IMAGE, architecture=architecture, layers=(layer,), entrypoint=("/pause",), user="65535")
