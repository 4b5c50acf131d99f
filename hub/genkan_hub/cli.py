"""The command `genkan`, for administrators."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from genkan_profiles import (
    BUILT_IN,
    Catalogue,
    DocumentError,
    __version__,
    compile_profiles,
    load_catalogue,
    offers_for,
)

app = typer.Typer(
    name="genkan",
    help="See what a hub offers its users.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
profiles = typer.Typer(help="What users can choose from.", no_args_is_help=True)
app.add_typer(profiles, name="profiles")


@dataclasses.dataclass(frozen=True, slots=True)
class Offered:
    """One row of what is offered: a hardware, or an image that can be had on all of them."""

    kind: str
    slug: str
    display_name: str
    details: str
    default: bool


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@profiles.command()
def show(
    catalogue: Annotated[
        Path, typer.Option(metavar="FILE", help="The catalogue.", show_default="the built-in one")
    ] = BUILT_IN,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print the hardware and images that users can choose from."""
    try:
        rows = _offered(load_catalogue(catalogue))
    except DocumentError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        typer.echo(_table(rows))


def main() -> None:
    """Run the command."""
    app()


def _offered(catalogue: Catalogue) -> list[Offered]:
    compiled = compile_profiles(offers_for(catalogue, ()))
    hardware = [
        Offered(row["kind"], row["slug"], row["display_name"], row["summary"], row["default"]) for row in compiled
    ]
    choices: dict[str, dict[str, Any]] = compiled[0]["profile_options"]["image"]["choices"]
    images = [
        Offered("image", slug, row["display_name"], row["kubespawner_override"]["image"], row["default"])
        for slug, row in choices.items()
    ]
    return [*hardware, *images]


def _table(rows: list[Offered]) -> str:
    lines = [
        ("kind", "slug", "name", "details", ""),
        *((row.kind, row.slug, row.display_name, row.details, "default" if row.default else "") for row in rows),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    )
