"""All that can be said of a matrix: what is wrong, and what keeps an image from being promoted."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from genkan_profiles import DocumentError, Problem
from genkan_profiles.documents import load_with_places
from genkan_profiles.problems import placed
from genkan_profiles.violations import Violation

from .matrix import Matrix


@dataclass(frozen=True, slots=True)
class MatrixLint:
    """What there is to say, in the order of the lines."""

    matrix: Matrix | None
    """None if there are problems in it as such; an image that is past its end is one of the day, not of the file."""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    """What does not keep an image from being built."""


def lint_matrix(path: Path, *, today: date) -> MatrixLint:
    """Read a matrix and say all that is wrong with it on a day."""
    try:
        matrix, document = load_with_places(path, Matrix)
    except DocumentError as error:
        return MatrixLint(None, error.problems)
    return MatrixLint(
        matrix,
        problems=tuple(placed(_expired(matrix, today), model=Matrix, document=document)),
        warnings=tuple(placed(_unpinned(matrix), model=Matrix, document=document)),
    )


def _expired(matrix: Matrix, today: date) -> Iterator[Violation]:
    for index, row in enumerate(matrix.images):
        if row.end_of_life < today:
            sentence = f"The end of {row.name} was on {row.end_of_life}; take it out, or a newer base in."
            yield Violation(("images", index, "end_of_life"), sentence)


def _unpinned(matrix: Matrix) -> Iterator[Violation]:
    for index, row in enumerate(matrix.images):
        if row.base.digest is None:
            sentence = f"{row.name} is built on whatever the tag points to; it can be promoted once this is a digest."
            yield Violation(("images", index, "base", "digest"), sentence)
