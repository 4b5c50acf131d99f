"""Bring the files of translations to what the code says: new texts are added without one, old ones go.

python -m tools.messages
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from genkan_profiles.language.translations import ENGLISH, LANGUAGES, MESSAGES

ROOT = Path(__file__).resolve().parents[1]

PACKAGES = ("profiles/genkan_profiles", "spawner/genkan_spawner", "hub/genkan_hub")

_HEADER = """\
# What Genkan tells users.
msgid ""
msgstr ""
"Language: {code}\\n"
"Plural-Forms: {plurals}\\n"
"Content-Type: text/plain; charset=utf-8\\n"

"""

_IN_TEMPLATES = ("_", "pattern")
_IN_CODE = ("say", "say_number")


@dataclass(frozen=True, slots=True)
class Text:
    """One text for people, and the file that says it."""

    one: str
    many: str
    """The text for many; empty if a number makes no difference."""
    file: str


class NotFoundError(Exception):
    """A call says something that stands nowhere as a text, so that nobody can translate it."""


def texts() -> list[Text]:
    """Return every text that can be translated, in the order of files and of lines; raises NotFoundError."""
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*"))]
    return [text for file in files for text in _texts_of(file)]


def _texts_of(file: Path) -> Iterator[Text]:
    place = str(file.relative_to(ROOT))
    match file.suffix:
        case ".html":
            with file.open("rb") as source:
                for line, _, found, _ in babel_extract(source, _IN_TEMPLATES, [], {"encoding": "utf-8"}):
                    one = found[0] if isinstance(found, tuple) else found
                    if not one:
                        raise NotFoundError(f"{place}, line {line}: the text must stand here.")
                    yield Text(one, "", place)
        case ".py":
            yield from in_code(file.read_text(encoding="utf-8"), place)
        case _:
            pass


def in_code(code: str, place: str) -> list[Text]:
    """Return the texts of a module; raises NotFoundError."""
    return [text for scope in _scopes(ast.parse(code)) for text in _said_in(scope, place)]


def _scopes(tree: ast.Module) -> Iterator[ast.AST]:
    yield tree
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a module or function, but not in a function inside of it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _own_nodes(node)


def _said_in(scope: ast.AST, place: str) -> Iterator[Text]:
    nodes = list(_own_nodes(scope))
    known = {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in nodes:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _IN_CODE:
            wanted = call.args[: 2 if call.func.id == "say_number" else 1]
            found = [known.get(part.id, part) if isinstance(part, ast.Name) else part for part in wanted]
            words = [part.value for part in found if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            if len(words) < len(wanted):
                raise NotFoundError(f"{place}, line {call.lineno}: the text must stand here, or in this function.")
            yield Text(words[0], words[1] if len(words) > 1 else "", place)


def read(code: str) -> Catalog:
    """Return the translations into one language."""
    with (MESSAGES / f"{code}.po").open("rb") as source:
        return read_po(source, locale=code)


def merged(code: str) -> Catalog:
    """Return what there is in one language, for all texts and no others."""
    known = read(code)
    catalogue = Catalog(locale=code, fuzzy=False)
    for text in texts():
        name = (text.one, text.many) if text.many else text.one
        before = known.get(text.one)
        catalogue.add(name, before.string if before is not None else None, locations=[(text.file, 0)])
    return catalogue


def main() -> None:
    """Write the files of all languages."""
    for code in LANGUAGES:
        if code == ENGLISH:
            continue
        catalogue = merged(code)
        with (MESSAGES / f"{code}.po").open("wb") as target:
            target.write(_HEADER.format(code=code, plurals=catalogue.plural_forms).encode())
            write_po(target, catalogue, width=120, omit_header=True, include_lineno=False)
        missing = sum(not message.string for message in catalogue if message.id)
        print(f"{code}: {len(catalogue)} texts, {missing} without a translation")  # noqa: T201  # a command


if __name__ == "__main__":
    main()
