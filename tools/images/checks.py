"""What each image is held against: the same commands as in the pipelines of those who deploy."""

import os
import re
import shutil
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from genkan_sandbox.progress import Progress

from .commands import Commands

REQUIRE_ALL = "GENKAN_REQUIRE_ALL"
"""The variable with which a check that cannot be run has failed."""

_SAID = re.compile(r"^(?:FAILED|ERROR) .*|^[a-z]+: (?!passed\.|kept back\.).*", re.MULTILINE)
_MOST_SAID = 12

# Starts a command where there is no network but a loopback of its own.
_WITHOUT_NETWORK = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Check:
    """One command that keeps an image back if it does not leave with 0."""

    name: str
    command: tuple[str | Path, ...]
    needs: tuple[str, ...] = ()
    """Programs that not every machine has; without one of them nothing is found out."""
    environ: Mapping[str, str] | None = None
    report: Path | None = None
    """Where its tests write what they have measured, as JUnit has it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a check."""

    check: str
    verdict: Verdict
    sentences: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Checker:
    """Runs checks, and knows what this machine has for them."""

    commands: Commands
    progress: Progress
    bin: Path | None
    """The folder of programs that were installed for this; None where they could not be."""
    require_all: bool

    def results(self, image: str, checks: Iterable[Check]) -> list[Result]:
        """Run all checks of an image, whatever becomes of the first."""
        return [self._result(image, check) for check in checks]

    def has(self, program: str) -> bool:
        """Return whether a program is there."""
        return shutil.which(program, path=self._path) is not None

    def _result(self, image: str, check: Check) -> Result:
        missing = [program for program in check.needs if not self.has(program)]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            sentence = f"{' and '.join(missing)} {are} not installed, so nothing was looked at."
            return Result(check.name, Verdict.FAILED if self.require_all else Verdict.NOT_RUN, (sentence,))
        name, began = f"{image}-{check.name}", time.monotonic()
        with self.progress.step(f"{image}: {check.name}"):
            status = self.commands.status(name, *check.command, environ={"PATH": self._path, **(check.environ or {})})
        seconds = time.monotonic() - began
        said = tuple(dict.fromkeys(match[0] for match in _SAID.finditer(self.commands.said(name))))
        if status == 0:
            return Result(check.name, Verdict.PASSED, measured(check.report) + said, seconds)
        sentences = said[-_MOST_SAID:] or (f"It left with status {status}.",)
        return Result(check.name, Verdict.FAILED, (*sentences, f"All of it is in {self.commands.log(name)}."), seconds)

    @property
    def _path(self) -> str:
        path = os.environ.get("PATH", os.defpath)
        return f"{self.bin}{os.pathsep}{path}" if self.bin else path


def gate(name: str, *arguments: str | Path, needs: tuple[str, ...] = ()) -> Check:
    """Return a gate of `genkan images`."""
    return Check(name, (Path(".venv/bin/genkan"), "images", "gate", name, *arguments), needs)


def trial(name: str, file: str, *, environ: Mapping[str, str], report: Path, needs: tuple[str, ...] = ()) -> Check:
    """Return tests that start an image, in a network that leads nowhere; what they need has to be there."""
    pytest = (Path(".venv/bin/python"), "-m", "pytest", file, "-q", "-p", "no:cacheprovider", f"--junitxml={report}")
    return Check(name, (*_WITHOUT_NETWORK, *pytest), needs, {**environ, REQUIRE_ALL: "1"}, report)


def measured(report: Path | None) -> tuple[str, ...]:
    """Return how soon a server was ready, where the tests have told it."""
    if report is None or not report.is_file():
        return ()
    suites = ET.parse(report)  # noqa: S314  # our own pytest has written it
    found = [row.get("value") for row in suites.iter("property") if row.get("name") == "ready_seconds"]
    return tuple(f"Ready after {value} s." for value in found)
