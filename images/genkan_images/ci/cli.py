"""The command `genkan images ci`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from genkan_images.exceptions import ImagesError
from genkan_images.files import leaving_with_one, read_text, write_texts
from genkan_images.matrix import MATRIX, Matrix, load_matrix

from .github import github_files
from .gitlab import gitlab_files
from .renovate import renovate_files


class Platform(StrEnum):
    """What runs the pipelines, or watches the bases."""

    GITHUB = "github"
    GITLAB = "gitlab"
    RENOVATE = "renovate"


def ci(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The matrix of images.")] = MATRIX,
    platforms: Annotated[
        list[Platform] | None,
        typer.Option("--platform", help="For which; may be given again.", show_default="all"),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="DIRECTORY", help="The checkout that the files are for; `.` for your own.")
    ] = Path("images/ci"),
    check: Annotated[bool, typer.Option("--check", help="Write nothing, and leave with 1 if a file is stale.")] = False,
) -> None:
    """Write pipelines that build, scan, sign, try and promote images, and settings for newer bases.

    Each file goes where its platform looks for it: .github/workflows, .gitlab and renovate.json.
    """
    with leaving_with_one():
        files = pipelines(load_matrix(path), platforms=platforms or list(Platform))
        if check:
            stale = [name for name, text in files.items() if not _is(output / name, text)]
            if stale:
                message = f"{', '.join(stale)}: not what follows from {path}; run `genkan images ci` and commit it."
                raise ImagesError(message)
            return
        for file in write_texts(output, files):
            typer.echo(file)


def pipelines(matrix: Matrix, *, platforms: list[Platform]) -> dict[str, str]:
    """Return the files for some platforms, by their paths in a checkout."""
    files: dict[str, str] = {}
    comment = _comment(matrix)
    for platform in dict.fromkeys(platforms):
        match platform:
            case Platform.GITHUB:
                files |= github_files(matrix, comment=comment)
            case Platform.GITLAB:
                files |= gitlab_files(matrix, comment=comment)
            case Platform.RENOVATE:
                files |= renovate_files()
    return files


def _comment(matrix: Matrix) -> str:
    """Return what stands above each file."""
    written = "Written by `genkan images ci` from images/matrix.yaml. Change that, and write this anew."
    missing = [row.name for row in matrix.images if row.base.digest is None]
    waiting = f"Not built until the matrix has the digest of their bases: {', '.join(missing)}."
    return "\n".join([written, *([waiting] if missing else [])])


def _is(file: Path, text: str) -> bool:
    return file.is_file() and read_text(file) == text
