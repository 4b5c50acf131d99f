"""An environment as the beginnings of an image: what a site's repository of images takes in."""

import re
import subprocess
import sys
from pathlib import Path

_DOCKERFILE = """\
# The environment {name}, made on {image}.
{argument}
FROM ${{BASE_IMAGE}}

USER 0
COPY requirements.txt /opt/genkan/environments/{name}.txt
RUN PIP_BREAK_SYSTEM_PACKAGES=1 {python} -m pip install --no-cache-dir --requirement /opt/genkan/environments/{name}.txt
USER 1000:100
"""
_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==\S+")


class ExportError(Exception):
    """An environment that cannot be rebuilt elsewhere, with a sentence for its user."""


def write_export(target: Path, output: Path, *, reference: str, image: str, python: str) -> list[Path]:
    """Write requirements and a Dockerfile for the packages of an environment; return the files.

    The framework is not among them: it comes with the image. Nothing is written if a package is not from an index.
    """
    lines = _installed(target)
    local = [line for line in lines if not _PINNED.fullmatch(line)]
    if local:
        message = (
            "What is installed from a directory or a repository cannot be rebuilt elsewhere: "
            f"{', '.join(local)}. Install a released version of it, and export again."
        )
        raise ExportError(message)
    argument = (
        f"ARG BASE_IMAGE={reference}"
        if reference
        else f"# Build with --build-arg BASE_IMAGE=, {image}.\nARG BASE_IMAGE"
    )
    texts = {
        "Dockerfile": _DOCKERFILE.format(name=target.name, image=image, argument=argument, python=python),
        "requirements.txt": "".join(f"{line}\n" for line in lines),
    }
    try:
        output.mkdir(parents=True)
        for name, text in texts.items():
            (output / name).write_text(text, encoding="utf-8")
    except FileExistsError as error:
        message = f"{output} is there already; name another place with --output."
        raise ExportError(message) from error
    except OSError as error:
        message = f"{output} cannot be written: {error.strerror}."
        raise ExportError(message) from error
    return [output / name for name in texts]


def _installed(target: Path) -> list[str]:
    """Return the packages of the environment itself, as pip pins them."""
    try:
        done = subprocess.run(
            [str(target / "bin/python"), "-m", "pip", "--disable-pip-version-check", "freeze", "--local"],
            check=True,
            capture_output=True,
            encoding="utf-8",
        )
    except OSError as error:
        message = f"The Python of {target} is gone; it was probably that of another image."
        raise ExportError(message) from error
    except subprocess.CalledProcessError as error:
        sys.stderr.write(error.stderr)
        message = f"pip could not list the packages of {target}; its own words are above."
        raise ExportError(message) from error
    return sorted(line for line in done.stdout.splitlines() if line and not line.startswith("#"))
