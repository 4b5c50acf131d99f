"""YAML files as pydantic models, with every problem at its place and said in a sentence."""

import json
import os
import stat
from pathlib import Path
from typing import NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .exceptions import DocumentError, Position, Problem
from .violations import problems_of
from .yaml_tree import TreeError, parse_tree

MAX_BYTES = 1024 * 1024
"""The largest document that is read; a person's file is a thousand times smaller."""

Model = TypeVar("Model", bound=BaseModel)


class Row(BaseModel):
    """A part of a document: unknown fields are refused, and nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def load_document(path: Path, model: type[Model]) -> Model:
    """Read a file of at most MAX_BYTES into a model.

    Raises DocumentError with all problems that can be found at once; a file that is not there, not readable or not
    text is one of them.
    """
    return parse_document(_read(path), model, source=str(path))


def document_files(path: Path) -> tuple[Path, ...]:
    """Return the files of a directory that are read as one document, in the order of their names.

    Those are its *.yaml and *.yml, without the hidden ones among which a mounted ConfigMap keeps its versions. What is
    no directory, or cannot be listed, stands for itself.
    """
    try:
        with os.scandir(path) as entries:
            names = [entry.name for entry in entries if _is_document(entry)]
    except (OSError, ValueError):
        return (path,)
    return tuple(path / name for name in sorted(names))


def parse_document(content: bytes | str, model: type[Model], *, source: str) -> Model:
    """Read one YAML document into a model; `source` names it in problems.

    Values are taken strictly: `"4"` is no number and `1` no truth value. Raises DocumentError.
    """
    text = content if isinstance(content, str) else _decoded(content, source=source)
    try:
        tree = parse_tree(text)
    except TreeError as error:
        raise DocumentError([Problem(source, error.position, "", error.sentence)]) from error
    if tree is None:
        _refuse(source, "The file holds nothing.")
    try:
        return model.model_validate_json(json.dumps(tree.value, allow_nan=False), strict=True)
    except ValidationError as error:
        raise DocumentError(problems_of(error, model=model, tree=tree, file=source)) from error


def _is_document(entry: os.DirEntry[str]) -> bool:
    if not entry.name.endswith((".yaml", ".yml")) or entry.name.startswith("."):
        return False
    try:
        return not entry.is_dir()
    except OSError:
        return True


def _read(path: Path) -> bytes:
    source = str(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            _refuse(source, "This is a directory, not a file.")
        if not stat.S_ISREG(mode):
            _refuse(source, "This is no ordinary file.")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        _refuse(source, "There is no such file.")
    except PermissionError:
        _refuse(source, "This file may not be read by the user that runs this.")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "its name is not valid"
        _refuse(source, f"This file cannot be read: {reason}.")
    if len(content) > MAX_BYTES:
        _refuse(source, f"The file is larger than {MAX_BYTES // 1024} KiB, the most that is read.")
    return content


def _decoded(content: bytes, *, source: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        position = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise DocumentError(
            [Problem(source, position, "", "This byte is not UTF-8; save the file as UTF-8.")]
        ) from error


def _refuse(source: str, sentence: str) -> NoReturn:
    raise DocumentError([Problem(source, None, "", sentence)])
