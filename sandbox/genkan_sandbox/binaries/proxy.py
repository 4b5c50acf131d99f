"""Install configurable-http-proxy with npm, from the lock that the sandbox pins."""

import os
import shutil
from pathlib import Path

from genkan_sandbox.binaries.components import PROXY
from genkan_sandbox.binaries.diagnosis import failure
from genkan_sandbox.binaries.processes import Command
from genkan_sandbox.binaries.toolchains import find_node
from genkan_sandbox.binaries.workshop import GIGABYTE, Workshop
from genkan_sandbox.exceptions import BinariesError

_ROOM = GIGABYTE // 10
_SCRIPT = Path("node_modules", "configurable-http-proxy", "bin", "configurable-http-proxy")
_FLAGS = (
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-progress",
    "--no-update-notifier",
    "--engine-strict=false",
    "--loglevel=error",
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
    "--fetch-timeout=30000",
)


def install_proxy(*, workshop: Workshop, made: Path, scratch: Path, title: str) -> None:
    """Install the proxy into a folder. BinariesError: no Node, no network or no room, or npm fails."""
    workshop.require_room(workshop.store.root, size=_ROOM, purpose=f"installing {PROXY.title}")
    node = find_node(workshop, with_npm=True)
    if node.npm is None:
        raise BinariesError(f"{node.program} comes without npm.")
    for pin in workshop.modules.files_of(PROXY):
        shutil.copyfile(pin, made / pin.name)
    log = workshop.store.log(PROXY.name)
    command = Command(
        words=[*node.npm, "ci", *_FLAGS, *_cache_flags(scratch)], directory=made, environment=_environment(), log=log
    )
    with workshop.progress.step(title) as step:
        ended = workshop.run(command, step=step)
        if ended.code != 0 or not (made / _SCRIPT).is_file():
            raise failure(
                f"{PROXY.title} could not be installed",
                ended=ended,
                log=log,
                instead=f"Put configurable-http-proxy {PROXY.version} on PATH instead.",
            )


def proxy_command(folder: Path, *, workshop: Workshop) -> tuple[str, ...]:
    """Make the command that runs the proxy in a folder, with the Node that is here now."""
    return str(find_node(workshop, with_npm=False).program), str(folder / _SCRIPT)


def _environment() -> dict[str, str]:
    return {**os.environ, "NO_UPDATE_NOTIFIER": "1", "NODE_ENV": "production"}


def _cache_flags(scratch: Path) -> list[str]:
    """Let npm keep its own cache in the home where there is one to write to."""
    home = Path(os.environ.get("HOME") or "/nonexistent")
    return [] if os.access(home, os.W_OK) else ["--cache", str(scratch / "npm")]
