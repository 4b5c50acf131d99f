"""The gate for structure: what every image has, as container-structure-test finds it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from genkan_images.exceptions import ScannerError

from .outcome import Outcome
from .tools import last_words, run_tool

STRUCTURE = Path("images/structure.yaml")
"""What a single-user image has, seen from the checkout."""

_PROGRAM = "container-structure-test"


def judge_structure(image: Path, *, tests: Path) -> Outcome:
    """Keep an image back that lacks something; `image` is an archive as `docker save` writes it.

    Raises ScannerError if it could not be looked at.
    """
    command = [_PROGRAM, "test", "--driver", "tar", "--image", str(image), "--config", str(tests)]
    done = run_tool([*command, "--output", "json", "--no-color", "--quiet"])
    try:
        report = json.loads(done.stdout)
        results = list(_results(report))
        passed = int(report["Pass"])
    except (ValueError, KeyError, TypeError) as error:
        message = f"{_PROGRAM} gave no report on {image}: {last_words(done)}"
        raise ScannerError(message) from error
    failures = [
        f"{result['Name']}: {' '.join(result.get('Errors') or ['it is not so'])}"
        for result in results
        if not result["Pass"]
    ]
    if not failures and done.returncode != 0:
        failures = [last_words(done)]
    if not results or not passed + len(failures):
        message = f"{_PROGRAM} looked at nothing in {image}."
        raise ScannerError(message)
    return Outcome(failures=tuple(failures), notes=(f"{passed} of {len(results)} are as they should be.",))


def _results(report: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    return iter(report["Results"])
