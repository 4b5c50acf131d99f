"""The programs that look at images and their sources: one that is not there has found nothing out."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from genkan_images.exceptions import ScannerError

from .outcome import Outcome

Scanner: TypeAlias = Literal["vuln", "secret"]

_LAST = 2000


def scan(image: Path, scanner: Scanner) -> str:
    """Return Trivy's report on an image: an OCI layout, or an archive as `docker save` writes it.

    Raises ScannerError if there is no report, whatever the reason.
    """
    command = ["trivy", "image", "--no-progress", "--format", "json", "--scanners", scanner]
    if scanner == "vuln":
        # So that a report without weaknesses still shows what was looked at.
        command.append("--list-all-pkgs")
    done = run_tool([*command, "--input", str(image)])
    if done.returncode != 0 or not done.stdout.strip():
        message = f"trivy gave no report on {image}: {last_words(done)}"
        raise ScannerError(message)
    return done.stdout


def judge_sources(dockerfiles: Sequence[Path], scripts: Sequence[Path]) -> Outcome:
    """Keep sources back in which hadolint or shellcheck find something; raises ScannerError if one is not there."""
    failures = []
    for program, options, files in (
        ("hadolint", ["--no-color"], dockerfiles),
        ("shellcheck", ["--format=gcc", "--shell=sh"], scripts),
    ):
        if not files:
            message = f"There is nothing for {program} to look at."
            raise ScannerError(message)
        done = run_tool([program, *options, *map(str, files)])
        if done.returncode != 0:
            failures += [line for line in done.stdout.splitlines() if line.strip()] or [last_words(done)]
    return Outcome(failures=tuple(failures), notes=(f"{len(dockerfiles)} Dockerfiles, {len(scripts)} scripts.",))


def run_tool(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, whatever that is; raises ScannerError if it is not there or cannot be started."""
    if shutil.which(command[0]) is None:
        message = f"{command[0]} is not installed, or not on PATH, so nothing was looked at."
        raise ScannerError(message)
    try:
        return subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace")
    except OSError as error:
        message = f"{command[0]} cannot be started: {error.strerror}."
        raise ScannerError(message) from error


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    """Return the end of what a program complained of."""
    return done.stderr.strip()[-_LAST:] or f"it ended with status {done.returncode} and said nothing."
