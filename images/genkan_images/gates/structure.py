"""The gate for structure: what every image has, as container-structure-test finds it.

It is run inside of the image: from outside it unpacks the whole of it for each of its tests, which takes many minutes.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from genkan_images.exceptions import ScannerError

from .outcome import Outcome
from .tools import last_words, run_tool

STRUCTURE = Path("images/structure.yaml")
"""What a single-user image has, seen from the checkout."""

_PROGRAM = "container-structure-test"
_LONGEST = 200
_PLACE = "/run/genkan-structure"


def judge_structure(image: str, *, tests: Path) -> Outcome:
    """Keep an image of buildah's storage back that lacks something; raises ScannerError if nothing could be seen."""
    program = _program()
    with _container(image) as container, tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "metadata.json").write_text(json.dumps({"config": _config(container)}), encoding="utf-8")
        shutil.copyfile(tests, place / "structure.yaml")
        volumes = ("--volume", f"{program}:{_PLACE}/program:ro", "--volume", f"{place}:{_PLACE}/tests:ro")
        done = run_tool(
            [
                *("buildah", "run", "--isolation", "oci", "--runtime", "/usr/sbin/runc", "--network", "host"),
                *("--user", "0", *volumes, container, "--"),
                *(f"{_PLACE}/program", "test", "--driver", "host", "--force", "--no-color", "--output", "json"),
                *("--metadata", f"{_PLACE}/tests/metadata.json", "--config", f"{_PLACE}/tests/structure.yaml"),
            ]
        )
    results = _results(done.stdout)
    if not results:
        message = f"{_PROGRAM} gave no report on {image}: {last_words(done)}"
        raise ScannerError(message)
    failures = [f"{name}: {'; '.join(errors)}." for name, passed, errors in results if not passed]
    if done.returncode != 0 and not failures:
        failures = [last_words(done)]
    note = f"{sum(passed for _, passed, _ in results)} of {len(results)} tests have passed."
    return Outcome(failures=tuple(failures), notes=(note,))


def _program() -> Path:
    """Return the program itself: inside of an image nothing else of this machine is there, no Python either."""
    found = shutil.which(_PROGRAM)
    if found is None:
        message = f"{_PROGRAM} is not installed, or not on PATH, so nothing was looked at."
        raise ScannerError(message)
    path = Path(found).resolve()
    with path.open("rb") as stream:
        if stream.read(2) == b"#!":
            message = f"{path} is a script that calls {_PROGRAM}; put the program itself on PATH."
            raise ScannerError(message)
    return path


@contextmanager
def _container(image: str) -> Iterator[str]:
    done = run_tool(["buildah", "from", "--pull-never", image])
    if done.returncode != 0:
        message = f"buildah has no image {image}: {last_words(done)}"
        raise ScannerError(message)
    container = done.stdout.strip()
    try:
        yield container
    finally:
        run_tool(["buildah", "rm", container])


def _config(container: str) -> Mapping[str, Any]:
    done = run_tool(["buildah", "inspect", container])
    try:
        return dict(json.loads(done.stdout)["OCIv1"]["config"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"buildah does not tell of {container}: {last_words(done)}"
        raise ScannerError(message) from error


def _short(error: str) -> str:
    """Return what an error begins with: some repeat the whole file."""
    return error.partition("\n")[0][:_LONGEST]


def _results(said: str) -> Sequence[tuple[str, bool, list[str]]]:
    """Return name, judgement and errors of each test; nothing if it is no report. Words for people come before it."""
    try:
        report = json.loads(said[said.index("\n{") :] if not said.startswith("{") else said)
        return [
            (
                str(row["Name"]),
                bool(row["Pass"]),
                [_short(str(error)) for error in row.get("Errors") or ["it is not so"]],
            )
            for row in report["Results"]
        ]
    except (ValueError, KeyError, TypeError):
        return []
