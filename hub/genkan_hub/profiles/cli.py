"""The commands `genkan profiles ...`."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from genkan_profiles import BUILT_IN, Catalogue, DocumentError, Problem, compile_profiles, load_catalogue, offers_for
from genkan_profiles.linting import Lint, lint_catalogue

from .offered import offered_to
from .tables import offered_text

app = typer.Typer(help="What users can choose from.", no_args_is_help=True)

CataloguePath = Annotated[
    Path,
    typer.Argument(
        metavar="PATH", help="The catalogue: a file, or a directory of files.", show_default="the built-in one"
    ),
]
Groups = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="GROUP", help="A group that the users are in; may be given several times."),
]


@app.command()
def lint(
    path: CataloguePath = BUILT_IN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Check a catalogue and print every problem with file, line and column.

    Leaves with 0 if a hub can use the catalogue, and with 1 if not. Warnings are about what is surely not meant, and
    change nothing.
    """
    found = lint_catalogue(path)
    if as_json:
        _print(_json(_lint_data(path, found)))
    else:
        for problem in found.problems:
            _complain(str(problem))
        for warning in found.warnings:
            _complain(str(dataclasses.replace(warning, sentence=f"Warning: {warning.sentence}")))
        _complain(f"{path}: {_counted(found)}")
    if found.catalogue is None:
        raise typer.Exit(1)


@app.command()
def show(
    path: CataloguePath = BUILT_IN,
    group: Groups = None,
    catalogue: Annotated[
        Path | None, typer.Option(metavar="PATH", help="The same as PATH.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Print what users in exactly these groups are offered, and what is left out and why."""
    if catalogue is not None and path != BUILT_IN:
        raise typer.BadParameter("Give the catalogue either as PATH or with --catalogue.")
    offered = offered_to(_loaded(catalogue or path, group), group or ())
    _print(_json(dataclasses.asdict(offered)) if as_json else offered_text(offered))


@app.command()
def render(path: CataloguePath = BUILT_IN, group: Groups = None) -> None:
    """Print the list of profiles that KubeSpawner is given for users in exactly these groups, as JSON."""
    _print(_json(compile_profiles(offers_for(_loaded(path, group), group or ()))))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a catalogue, with which editors complete and explain its fields."""
    from genkan_profiles.schema import catalogue_schema

    _print(_json(catalogue_schema()))


def _loaded(path: Path, groups: list[str] | None) -> Catalogue:
    """Read the catalogue; what is wrong with it ends the command, a group that makes no difference is told."""
    try:
        catalogue = load_catalogue(path)
    except DocumentError as error:
        for problem in error.problems:
            _complain(str(problem))
        raise typer.Exit(1) from error
    for name in dict.fromkeys(groups or ()):
        if name not in catalogue.named_groups:
            _complain(f"Warning: no row of this catalogue names the group {name!r}.")
    return catalogue


def _lint_data(path: Path, found: Lint) -> dict[str, Any]:
    return {
        "path": str(path),
        "valid": found.catalogue is not None,
        "problems": [_problem_data(problem) for problem in found.problems],
        "warnings": [_problem_data(warning) for warning in found.warnings],
    }


def _problem_data(problem: Problem) -> dict[str, Any]:
    position = problem.position
    return {
        "file": problem.file,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "path": problem.path,
        "sentence": problem.sentence,
        "allowed": list(problem.allowed),
    }


def _counted(found: Lint) -> str:
    counts = [_number(len(found.problems), "problem")]
    if found.warnings:
        counts.append(_number(len(found.warnings), "warning"))
    return f"{' and '.join(counts)}."


def _number(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def _print(text: str) -> None:
    typer.echo(_printable(text))


def _complain(text: str) -> None:
    typer.echo(_printable(text), err=True)


def _printable(text: str) -> str:
    """Return text with half characters written out, which names of files may hold."""
    return text.encode(errors="backslashreplace").decode()
