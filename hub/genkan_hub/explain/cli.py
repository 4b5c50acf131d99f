"""The command `genkan explain`: the verdict on a start, from the checks that the hub itself asks."""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from genkan_profiles import WhenFull
from genkan_spawner.checks.findings import State

from .questions import Asked, InputError, Profile, read_manifests

BAD_INPUT = 2
EXIT_CODES = {State.READY: 0, State.WAITS: 3, State.REFUSED: 4, State.UNKNOWN: 5}
"""Of several verdicts the worst decides."""

_NOTHING_ASKED = "Name what to explain: --hardware NAME, --pod FILE, or --pod - for standard input."
_HARDWARE_WANTED = "Name the hardware too, with --hardware NAME."
_FOR_PODS = "--when-full is for --pod; of hardware the catalogue says whether it can be waited for."
_SOMEBODY = "somebody"


def _named(help_text: str, *, default: str | bool = False, metavar: str = "NAME") -> object:
    return typer.Option(metavar=metavar, help=help_text, show_default=default)


_Hardware: TypeAlias = Annotated[str | None, _named("Hardware of the catalogue that would be started.")]
_Image: TypeAlias = Annotated[str | None, _named("An image of the catalogue, or a reference of the user's own.")]
_Priority: TypeAlias = Annotated[str | None, _named("A priority of the catalogue.")]
_Team: TypeAlias = Annotated[str | None, _named("A team of the catalogue.")]
_User: TypeAlias = Annotated[str | None, _named("Who would start it.", default=_SOMEBODY)]
_Groups: TypeAlias = Annotated[
    str | None, _named("The groups that the user is in.", default="none", metavar="NAME,...")
]
_Catalogue: TypeAlias = Annotated[
    Path | None,
    _named("The catalogue: a file, or a directory of files.", default="the built-in one", metavar="PATH"),
]
_Namespace: TypeAlias = Annotated[
    str | None, _named("Where servers without a team run.", default="that of the kubeconfig")
]
_HubConfig: TypeAlias = Annotated[
    Path | None,
    _named(
        "The hub's jupyterhub_config.py, which is executed; its own catalogue and namespace then count.",
        default="what configure(c) sets",
        metavar="FILE",
    ),
]
_Pods: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--pod", metavar="FILE", help="A pod manifest, - for standard input; may be given several times."),
]
_WhenFull: TypeAlias = Annotated[
    WhenFull | None,
    typer.Option(help="What the start of a --pod does for which there is no room.", show_default="refuse"),
]
_Kubeconfig: TypeAlias = Annotated[
    str | None, typer.Option(envvar="KUBECONFIG", metavar="FILE", help="The cluster.", show_default="~/.kube/config")
]
_AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each start.")]


def explain(
    hardware: _Hardware = None,
    image: _Image = None,
    priority: _Priority = None,
    team: _Team = None,
    user: _User = None,
    groups: _Groups = None,
    catalogue: _Catalogue = None,
    namespace: _Namespace = None,
    config: _HubConfig = None,
    pods: _Pods = None,
    when_full: _WhenFull = None,
    kubeconfig: _Kubeconfig = None,
    as_json: _AsJson = False,
) -> None:
    """Say whether a profile or a pod would start now, and why not.

    Leaves with 0 if all are ready, 3 if one has to wait, 4 if one is refused, 5 if the cluster cannot be read, and 2 if
    the question itself cannot be understood.
    """
    from .answers import answer, as_object, as_text

    try:
        profile = _profile(
            hardware,
            user=user,
            groups=groups,
            image=image,
            priority=priority,
            team=team,
            catalogue=catalogue,
            namespace=namespace,
            hub_config=config,
        )
        asked = _manifests(pods, when_full=when_full)
        explained = asyncio.run(answer(asked, profile=profile, kubeconfig=kubeconfig))
    except InputError as error:
        typer.echo(f"genkan explain: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    if not explained:
        typer.echo(f"genkan explain: {_NOTHING_ASKED}", err=True)
        raise typer.Exit(BAD_INPUT)
    for one in explained:
        typer.echo(json.dumps(as_object(one), ensure_ascii=False) if as_json else as_text(one))
    order = list(State)
    raise typer.Exit(EXIT_CODES[max((one.verdict.state for one in explained), key=order.index)])


def _profile(hardware: str | None, *, user: str | None, groups: str | None, **rest: Any) -> Profile | None:
    if hardware is None:
        if any((user, groups, *rest.values())):
            raise InputError(_HARDWARE_WANTED)
        return None
    names = (name.strip() for name in (groups or "").split(","))
    return Profile(hardware, user=user or _SOMEBODY, groups=tuple(filter(None, names)), **rest)


def _manifests(pods: list[str] | None, *, when_full: WhenFull | None) -> list[Asked]:
    if when_full is not None and not pods:
        raise InputError(_FOR_PODS)
    meant = when_full or WhenFull.REFUSE
    return [one for source in pods or [] for one in read_manifests(source, when_full=meant)]
