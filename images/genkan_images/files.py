"""What the commands read, write and print."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import typer

from genkan_profiles import DocumentError

from .exceptions import ImagesError


def complain(text: str) -> None:
    """Print for people, with half characters written out, which names of files may hold."""
    typer.echo(text.encode(errors="backslashreplace").decode(), err=True)


def read_text(path: Path) -> str:
    """Return what a file holds; raises ImagesError with a sentence for whatever is in the way."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        raise ImagesError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8."
        raise ImagesError(message) from error


def write_texts(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write files into a folder, whatever is missing of it being made; raises ImagesError for what is in the way."""
    try:
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        message = f"{error.filename or folder} cannot be written: {error.strerror}."
        raise ImagesError(message) from error
    return [folder / name for name in texts]


@contextmanager
def leaving_with_one(prefix: str = "", *, last: str = "") -> Iterator[None]:
    """Print what is wrong, each line after a prefix and before a last line, and leave the command with 1."""
    try:
        yield
    except (DocumentError, ImagesError) as error:
        sentences = map(str, error.problems) if isinstance(error, DocumentError) else (str(error),)
        for sentence in (*sentences, *filter(None, (last,))):
            complain(f"{prefix}{sentence}")
        raise typer.Exit(1) from error
