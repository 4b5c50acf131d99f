"""What somebody asks about: a profile, and pod manifests from files or standard input."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from genkan_profiles import WhenFull
from genkan_spawner.checks.conditions import Conditions

STANDARD_INPUT = "-"


class InputError(Exception):
    """What was asked cannot be read; the message is a sentence for people."""


class NotOfferedError(Exception):
    """What was asked is not offered to this user."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        """What the hub tells the user."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One start that somebody asks about."""

    name: str
    manifest: dict[str, Any]
    place: str
    """File and number of the document, for messages."""
    conditions: Conditions = field(default_factory=Conditions)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a user would pick on the form, and the hub on which that would be."""

    hardware: str
    """Slug of the row of the catalogue, as all choices below."""
    user: str
    groups: tuple[str, ...] = ()
    image: str | None = None
    """None, here and below, stands for what the form preselects; a reference is the user's own image."""
    priority: str | None = None
    team: str | None = None
    catalogue: Path | None = None
    """None stands for the hub's own, or for the built-in one."""
    namespace: str | None = None
    """Where servers without a team run; None stands for the hub's own, or for the kubeconfig's."""
    hub_config: Path | None = None
    """The hub's jupyterhub_config.py; None stands for what `configure` sets."""


def read_manifests(source: str, *, when_full: WhenFull) -> Iterator[Asked]:
    """Read the pods of a YAML or JSON file with one or several documents; a List stands for its items.

    Raises InputError.
    """
    for number, document in enumerate(_documents(source), start=1):
        rows = document.get("items") if isinstance(document, dict) and document.get("kind") == "List" else [document]
        if not isinstance(rows, list):
            raise InputError(f"{_shown(source)}, document {number}: The items of this List are no list.")
        for row in rows:
            place = f"{_shown(source)}, document {number}"
            if not isinstance(row, dict) or row.get("kind") != "Pod":
                raise InputError(f"{place}: This is no pod manifest; it has to be a mapping with `kind: Pod`.")
            metadata = row.get("metadata")
            names = metadata if isinstance(metadata, dict) else {}
            name = names.get("name") or names.get("generateName") or place
            yield Asked(str(name), row, place, Conditions(when_full=when_full))


def _documents(source: str) -> list[Any]:
    """Read YAML documents; empty ones are passed over."""
    try:
        text = sys.stdin.read() if source == STANDARD_INPUT else Path(source).read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise InputError(f"{source}: There is no such file.") from e
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{_shown(source)}: This cannot be read; it has to be a text file in UTF-8.") from e
    try:
        return [document for document in yaml.safe_load_all(text) if document is not None]
    except (yaml.YAMLError, RecursionError, ValueError) as e:
        mark = getattr(e, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise InputError(f"{_shown(source)}{line}: This is no YAML.") from e


def _shown(source: str) -> str:
    return "standard input" if source == STANDARD_INPUT else source
