"""The command `genkan explain`: the verdict on a start, from the checks that the hub itself asks."""

import asyncio
import json
from typing import Annotated

import typer

from genkan_profiles import WhenFull
from genkan_spawner.checks.findings import State

from .questions import InputError, read_manifests

BAD_INPUT = 2
EXIT_CODES = {State.READY: 0, State.WAITS: 3, State.REFUSED: 4, State.UNKNOWN: 5}
"""Of several verdicts the worst decides."""

_NOTHING_ASKED = "Name what to explain: --pod FILE, or --pod - for standard input."


def explain(
    pods: Annotated[
        list[str] | None,
        typer.Option("--pod", metavar="FILE", help="A pod manifest, - for standard input; may be given several times."),
    ] = None,
    when_full: Annotated[
        WhenFull, typer.Option(help="What a start does for which there is no room.")
    ] = WhenFull.REFUSE,
    kubeconfig: Annotated[
        str | None,
        typer.Option(envvar="KUBECONFIG", metavar="FILE", help="The cluster.", show_default="~/.kube/config"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each start.")] = False,
) -> None:
    """Say whether a pod would start now, and why not.

    Leaves with 0 if all are ready, 3 if one has to wait, 4 if one is refused, 5 if the cluster cannot be read, and 2 if
    the question itself cannot be understood.
    """
    from .answers import answer, as_object, as_text

    try:
        asked = [one for source in pods or [] for one in read_manifests(source)]
        explained = asyncio.run(answer(asked, kubeconfig=kubeconfig, when_full=when_full)) if asked else []
    except InputError as error:
        typer.echo(f"genkan explain: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    if not explained:
        typer.echo(f"genkan explain: {_NOTHING_ASKED}", err=True)
        raise typer.Exit(BAD_INPUT)
    for one in explained:
        typer.echo(json.dumps(as_object(one), ensure_ascii=False) if as_json else as_text(one))
    order = list(State)
    worst = max((one.verdict.state for one in explained), key=order.index)
    raise typer.Exit(EXIT_CODES[worst])
