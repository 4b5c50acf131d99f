"""The commands `genkan homes ...`."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from genkan_profiles import BUILT_IN, Catalogue, DocumentError, Homes, HomesKind, load_catalogue

from .exceptions import HomesError

app = typer.Typer(help="Where homes are, and which are nobody's any more.", no_args_is_help=True)

_CataloguePath: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--catalogue", metavar="PATH", help="A file, or a directory of files.", show_default="the built-in one"
    ),
]
_Users: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--user", metavar="NAME", help="A user, or - for names on standard input; may be given several times."
    ),
]
_MoreUsers: TypeAlias = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="More users.")]
_AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each home.")]
_Export: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", help="Where the export is mounted here.", show_default="hub_path of the homes' fill"
    ),
]
_Namespaces: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--namespace", metavar="NAME", help="A namespace of servers beside those of teams; may be given several times."
    ),
]
_Kubeconfig: TypeAlias = Annotated[
    str | None, typer.Option(envvar="KUBECONFIG", metavar="FILE", help="The cluster.", show_default="~/.kube/config")
]
_HubApi: TypeAlias = Annotated[
    str | None,
    typer.Option(envvar="JUPYTERHUB_API_URL", metavar="URL", help="The hub's API, such as http://hub:8081/hub/api."),
]
_Measured: TypeAlias = Annotated[bool, typer.Option("--sizes/--no-sizes", help="Add up the sizes of folders.")]


@app.command()
def plan(
    more: _MoreUsers = None,
    users: _Users = None,
    catalogue: _CataloguePath = BUILT_IN,
    as_json: _AsJson = False,
) -> None:
    """Print the home that each user would have.

    A claim that an older hub made for a user is used further under its own name. Leaves with 1 if somebody would have
    no home, which is told beside the others'.
    """
    from .planning import PlannedHome, planned
    from .tables import planned_line, planned_text

    found = list(planned(_loaded(catalogue), _names([*(users or ()), *(more or ())])))
    homes = [row for row in found if isinstance(row, PlannedHome)]
    if as_json:
        for row in homes:
            _say(planned_line(row))
    else:
        _say(planned_text(homes))
    refused = [row for row in found if not isinstance(row, PlannedHome)]
    for person in refused:
        _complain(f"{person.user}: {person.sentence}")
    if refused:
        raise typer.Exit(1)


@app.command(name="list")
def list_homes(
    catalogue: _CataloguePath = BUILT_IN,
    export: _Export = None,
    namespaces: _Namespaces = None,
    kubeconfig: _Kubeconfig = None,
    hub_api: _HubApi = None,
    measured: _Measured = True,
    as_json: _AsJson = False,
) -> None:
    """Print the homes that there are, whose they are, how large they are and when they were last used.

    Whether the hub still knows a user is told where --hub-api is given, with a token in JUPYTERHUB_API_TOKEN that has
    the scopes list:users and read:users:activity. Nothing is ever deleted.
    """
    from .gathering import Places, gathered
    from .tables import found_line, found_text

    read = _loaded(catalogue)
    places = Places(
        export=export or _mounted(read.homes),
        namespaces=tuple(namespaces or ()),
        kubeconfig=kubeconfig,
        hub_api=hub_api,
    )
    try:
        found = asyncio.run(gathered(read, places, measured=measured))
    except HomesError as error:
        _complain(f"genkan homes list: {error}")
        raise typer.Exit(1) from error
    if as_json:
        for row in found:
            _say(found_line(row))
    else:
        _say(found_text(found))


def _mounted(homes: Homes | None) -> Path | None:
    if homes is None or homes.kind is not HomesKind.SHARED or homes.fill is None or homes.fill.hub_path is None:
        return None
    return Path(homes.fill.hub_path)


def _loaded(path: Path) -> Catalogue:
    try:
        return load_catalogue(path)
    except DocumentError as error:
        for problem in error.problems:
            _complain(str(problem))
        raise typer.Exit(1) from error


def _names(given: list[str]) -> Iterator[str]:
    if not given:
        raise typer.BadParameter("Name a user: --user NAME, or --user - for names on standard input.")
    for name in given:
        if name == "-":
            yield from (line.rstrip("\r\n") for line in sys.stdin if line.strip())
        else:
            yield name


def _say(text: str) -> None:
    typer.echo(_printable(text))


def _complain(text: str) -> None:
    typer.echo(_printable(text), err=True)


def _printable(text: str) -> str:
    """Return text with half characters written out, which names of users and files may hold."""
    return text.encode(errors="backslashreplace").decode()
