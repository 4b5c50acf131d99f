"""`genkan-env`: Python environments in a user's home, on top of the image's framework.

Each belongs to the release of the image that it was made on, and says so in its record and in its kernel's name: what
is built against one release of a framework may not work with the next.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .export import ExportError, write_export

RECORD = "genkan.json"
"""What an environment says of itself, in its own directory."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_ASK = "import json, sys, sysconfig; print(json.dumps([sys.prefix != sys.base_prefix, sysconfig.get_path('purelib')]))"


class EnvironmentFailure(Exception):  # noqa: N818  # `EnvironmentError` is Python's name for something else
    """An environment that cannot be made, found or written down, with a sentence for its user."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where this image is, and where its user's environments are."""

    image: str
    """The image's name and release, such as pytorch-26.09-r1."""
    reference: str
    """The image as the cluster fetched it; empty where it does not say."""
    python: str
    """The interpreter that has the framework."""
    environments: Path
    kernels: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> "Place":
        """Read the variables of the image and of the hub."""
        home = Path(environ.get("HOME") or "/home/jovyan")
        data = environ.get("JUPYTER_DATA_DIR") or f"{environ.get('XDG_DATA_HOME') or home / '.local/share'}/jupyter"
        return cls(
            image=environ.get("GENKAN_IMAGE") or "unnamed",
            reference=environ.get("JUPYTER_IMAGE_SPEC") or environ.get("JUPYTER_IMAGE") or "",
            python=environ.get("GENKAN_PYTHON") or "/usr/bin/python3",
            environments=home / "envs",
            kernels=Path(data) / "kernels",
        )


@dataclass(frozen=True, slots=True)
class Record:
    """What an environment was made on."""

    name: str
    image: str
    reference: str
    python: str


def create(name: str, place: Place) -> Path:
    """Make an environment that sees the framework, with a kernel of its own; return its directory.

    What was made of it goes away again if a part fails.
    """
    if not _NAME.fullmatch(name):
        message = (
            f"{name[:80]!r} cannot be a name: take small letters, digits, dots, dashes and underscores, "
            "with a letter or digit first."
        )
        raise EnvironmentFailure(message)
    target, kernel = place.environments / name, place.kernels / f"genkan-{name}"
    for path in (target, kernel):
        if os.path.lexists(path):
            message = f"{path} is there already; take another name, or delete it first."
            raise EnvironmentFailure(message)
    try:
        _make(target, place)
        record = Record(name, place.image, place.reference, place.python)
        (target / RECORD).write_text(_json(asdict(record)), encoding="utf-8")
        kernel.mkdir(parents=True)
        (kernel / "kernel.json").write_text(_json(_kernel(record, target)), encoding="utf-8")
    except BaseException as error:
        for path in (target, kernel):
            shutil.rmtree(path, ignore_errors=True)
        if isinstance(error, OSError):
            message = f"{target} could not be made: {error.strerror}."
            raise EnvironmentFailure(message) from error
        raise
    return target


def read_record(target: Path) -> Record:
    """Return what an environment says of itself."""
    try:
        data = json.loads((target / RECORD).read_text(encoding="utf-8"))
        return Record(**{field: str(data[field]) for field in Record.__slots__})
    except (OSError, ValueError, TypeError, KeyError) as error:
        message = f"{target} is no environment that `genkan-env create` has made."
        raise EnvironmentFailure(message) from error


def listed(place: Place) -> list[str]:
    """Return a line for each environment, with the release it belongs to where that is not this one."""
    lines = []
    for target in sorted(path.parent for path in place.environments.glob(f"*/{RECORD}")):
        record = read_record(target)
        other = "" if record.image == place.image else f" (made on {record.image}; this is {place.image})"
        lines.append(f"{record.name}{other}")
    return lines


def _make(target: Path, place: Place) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    try:
        subprocess.run(
            [place.python, "-m", "venv", "--system-site-packages", str(target)],
            check=True,
            capture_output=True,
            env=environ,
        )
        told = subprocess.run([place.python, "-c", _ASK], check=True, capture_output=True, env=environ)
    except FileNotFoundError as error:
        message = f"This image has no {place.python}."
        raise EnvironmentFailure(message) from error
    except subprocess.CalledProcessError as error:
        sys.stderr.write((error.stdout + error.stderr).decode(errors="replace"))
        message = f"Python could not make {target}; its own words are above. Is there room in your home?"
        raise EnvironmentFailure(message) from error
    inside, packages = json.loads(told.stdout)
    if inside:
        # An environment sees the system's packages, not those of the environment whose Python made it.
        (site,) = target.glob("lib/python3.*/site-packages")
        (site / "genkan-base.pth").write_text(f"{packages}\n", encoding="utf-8")


def _kernel(record: Record, target: Path) -> dict[str, object]:
    return {
        "argv": [str(target / "bin/python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": f"{record.name} ({record.image})",
        "language": "python",
        "env": {"VIRTUAL_ENV": str(target), "PATH": f"{target / 'bin'}:${{PATH}}"},
        "metadata": {"debugger": True, "genkan": {"image": record.image}},
    }


def _json(data: object) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="genkan-env", description="Python environments on top of this image.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    creating = commands.add_parser("create", help="make an environment in ~/envs, and its kernel")
    creating.add_argument("name")
    commands.add_parser("list", help="name the environments, and the image that each was made on")
    exporting = commands.add_parser("export", help="write what is needed to rebuild an environment as an image")
    exporting.add_argument("name")
    exporting.add_argument("--output", type=Path, help="where to write it (default: NAME-image)")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _arguments(arguments)
    place = Place.from_environ(os.environ)
    try:
        match options.command:
            case "create":
                target = create(options.name, place)
                said = [
                    f"{target} is there, and its kernel {options.name} ({place.image}) is in the launcher.",
                    f"Install into it with {target}/bin/pip install ...",
                ]
            case "list":
                said = listed(place)
            case _:
                target = place.environments / options.name
                record = read_record(target)
                if record.image != place.image:
                    sys.stderr.write(f"genkan-env: {options.name} was made on {record.image}; this is {place.image}.\n")
                output = options.output or Path(f"{options.name}-image")
                files = write_export(
                    target, output, reference=record.reference, image=record.image, python=record.python
                )
                said = [str(file) for file in files]
    except (EnvironmentFailure, ExportError) as error:
        sys.stderr.write(f"genkan-env: {error}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
