"""What the commands read and print."""

from pathlib import Path

import typer

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
