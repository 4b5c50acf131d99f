"""YAML files as pydantic models, with every problem at its place and said in a sentence."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from .exceptions import DocumentError, Problem
from .parts import Document, Part, joined, whole
from .problems import in_order, problems_of
from .reading import MAX_BYTES, MAX_FILES, decoded, is_directory, listed_files, read_file, refuse
from .violations import Violation
from .yaml_tree import MAX_NODES, Node, TreeError, parse_tree

Model = TypeVar("Model", bound=BaseModel)


class Row(BaseModel):
    """A part of a document: unknown fields are refused, and nothing changes after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def certain_violations(cls, data: Mapping[str, Any]) -> Iterable[Violation]:
        """Return the broken rules that stay broken however the rest of the raw data is mended.

        A model's own validators do not run while a row in it is broken; these are told all the same.
        """
        del data
        return ()


def load_document(path: Path, model: type[Model]) -> Model:
    """Read a file of at most MAX_BYTES into a model.

    Raises DocumentError with all problems that can be found at once; a file that is not there, not readable or not
    text is one of them.
    """
    return parse_document(read_file(path), model, source=str(path))


def load_documents(path: Path, model: type[Model]) -> Model:
    """Read a file, or all files of a directory as one document: lists of the same name are joined in their order.

    The limits of a single file hold for all of them together. Raises DocumentError with all problems that can be found
    at once, each in its own file.
    """
    return load_with_places(path, model)[0]


def load_with_places(path: Path, model: type[Model]) -> tuple[Model, Document]:
    """Read the same, and return beside it where everything stands."""
    if not is_directory(path):
        document, problems = whole(Part(str(path), _tree(read_file(path), source=str(path)))), list[Problem]()
    else:
        parts, problems = _parts(path)
        document, unjoined = joined(str(path), parts)
        problems += unjoined
    if problems:
        document = dataclasses.replace(document, complete=False)
    try:
        found = _validated(document, model)
    except DocumentError as error:
        raise DocumentError(in_order([*problems, *error.problems])) from error
    if problems:
        raise DocumentError(in_order(problems))
    return found, document


def parse_document(content: bytes | str, model: type[Model], *, source: str) -> Model:
    """Read one YAML document into a model; `source` names it in problems.

    Values are taken strictly: `"4"` is no number and `1` no truth value. Raises DocumentError.
    """
    return _validated(whole(Part(source, _tree(content, source=source))), model)


def _validated(document: Document, model: type[Model]) -> Model:
    data = document.tree.value
    try:
        return model.model_validate_json(json.dumps(data, allow_nan=False), strict=True)
    except ValidationError as error:
        certain = model.certain_violations(data) if issubclass(model, Row) and isinstance(data, dict) else ()
        raise DocumentError(problems_of(error, model=model, document=document, certain=certain)) from error


def _tree(content: bytes | str, *, source: str) -> Node:
    text = content if isinstance(content, str) else decoded(content, source=source)
    try:
        tree = parse_tree(text)
    except TreeError as error:
        raise DocumentError([Problem(source, error.position, "", error.sentence)]) from error
    if tree is None:
        refuse(source, "The file holds nothing.")
    return tree


def _parts(directory: Path) -> tuple[list[Part], list[Problem]]:
    """Read the files of a directory, as far as they can be read."""
    name = str(directory)
    try:
        files = listed_files(directory)
    except OSError as error:
        return [], [Problem(name, None, "", f"This directory cannot be read: {error.strerror}.")]
    if not files:
        return [], [Problem(name, None, "", "No file in this directory has a name that ends in .yaml or .yml.")]
    if len(files) > MAX_FILES:
        return [], [Problem(name, None, "", f"There are more than {MAX_FILES} files, the most that are read.")]
    parts: list[Part] = []
    problems: list[Problem] = []
    size = values = 0
    for file in files:
        try:
            content = read_file(file)
            size += len(content)
            if size > MAX_BYTES:
                refuse(name, f"The files are together larger than {MAX_BYTES // 1024} KiB, the most that is read.")
            tree = _tree(content, source=str(file))
            values += tree.size
            if values > MAX_NODES:
                refuse(name, f"The files hold together more than {MAX_NODES:,} values.")
        except DocumentError as error:
            problems += error.problems
        else:
            parts.append(Part(str(file), tree))
        if size > MAX_BYTES or values > MAX_NODES:
            break
    return parts, problems
