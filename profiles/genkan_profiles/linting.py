"""All that can be said of a catalogue's files: what is wrong, and what is right but surely not meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .capitals import capitals_only
from .catalogue import Catalogue
from .documents import load_with_places
from .exceptions import DocumentError, Problem
from .problems import placed
from .violations import Violation


@dataclass(frozen=True, slots=True)
class Lint:
    """What there is to say, in the order of the files and their lines."""

    catalogue: Catalogue | None
    """None if there are problems."""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    """What a hub passes over."""


def lint_catalogue(path: Path) -> Lint:
    """Read a catalogue from a file or directory and say all that is wrong with it."""
    try:
        catalogue, document = load_with_places(path, Catalogue)
    except DocumentError as error:
        return Lint(None, error.problems)
    found = (*_never_offered(catalogue), *capitals_only(catalogue))
    return Lint(catalogue, warnings=tuple(placed(found, model=Catalogue, document=document)))


def _never_offered(catalogue: Catalogue) -> Iterator[Violation]:
    """Yield the images that run on none of the hardware, whoever the user is."""
    for index in range(len(catalogue.images)):
        reasons = [catalogue.obstacles[row.slug][index] for row in catalogue.hardware]
        if all(reasons):
            sentence = f"This image is offered on no hardware. {catalogue.hardware[0].slug}: {reasons[0]}"
            yield Violation(("images", index), sentence)
