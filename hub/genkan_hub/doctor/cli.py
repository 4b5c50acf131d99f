"""The command `genkan doctor`."""

import asyncio
import dataclasses
import json
import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from genkan_hub.connection import NoClusterError, connect, current_namespace
from genkan_spawner.exceptions import KubernetesError

from .diagnoses import Diagnosis, Level, in_order, worst
from .examination import examined
from .exceptions import DoctorError, UnreadableError

BAD_INPUT = 2
UNREADABLE = 5
EXIT_CODES = {Level.OK: 0, Level.UNKNOWN: 0, Level.WARNING: 0, Level.PROBLEM: 1}

_WIDTH = 120
_COLUMNS = "{level:<9}{topic:<12}"


def doctor(
    namespace: Annotated[
        str | None,
        typer.Option("--namespace", "-n", metavar="NAME", help="Where the hub runs.", show_default="the current one"),
    ] = None,
    catalogue: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The catalogue.",
            show_default="that of the hub's pod, or of the ConfigMap genkan-catalogue",
        ),
    ] = None,
    account: Annotated[str, typer.Option(metavar="NAME", help="The hub's ServiceAccount.")] = "genkan-hub",
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            envvar="KUBECONFIG", metavar="FILE", help="The cluster.", show_default="~/.kube/config, or this pod's"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether rights, shares, machines, drivers, storage and catalogue fit together, and how to mend what does not.

    Run it where an administrator is, or in the hub's pod; what may not be seen from there is told. Leaves with 0 where
    everything that is offered can start, with 1 if something never can, with 5 if the cluster cannot be read, and with
    2 if it is not known which cluster or catalogue is meant.
    """
    try:
        where = namespace or current_namespace(kubeconfig)
        found = in_order(asyncio.run(_examined(where, account=account, catalogue=catalogue, kubeconfig=kubeconfig)))
    except (UnreadableError, KubernetesError) as error:
        raise _refusal(str(error), code=UNREADABLE) from error
    except (DoctorError, NoClusterError) as error:
        raise _refusal(str(error), code=BAD_INPUT) from error
    level = worst(found)
    if as_json:
        typer.echo(
            json.dumps({"level": level, "diagnoses": [dataclasses.asdict(one) for one in found]}, ensure_ascii=False)
        )
    else:
        for line in _lines(found):
            typer.echo(line)
    raise typer.Exit(EXIT_CODES[level])


async def _examined(namespace: str, *, account: str, catalogue: Path | None, kubeconfig: str | None) -> list[Diagnosis]:
    async with await connect(kubeconfig) as api:
        return await examined(api, namespace=namespace, account=account, catalogue=catalogue)


def _lines(found: list[Diagnosis]) -> Iterator[str]:
    """Yield what fits one screen: a line or two for each thing, and below those of one mend what that is."""
    indent = " " * len(_COLUMNS.format(level="", topic=""))
    for (topic, mend), rows in groupby(found, key=lambda one: (one.topic, one.mend)):
        for one in rows:
            head = _COLUMNS.format(level=one.level.value, topic=topic.value)
            yield from textwrap.wrap(one.sentence, _WIDTH, initial_indent=head, subsequent_indent=indent)
        if mend:
            yield from textwrap.wrap(f"-> {mend}", _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}   ")


def _refusal(sentence: str, *, code: int) -> typer.Exit:
    typer.echo(f"genkan doctor: {sentence}", err=True)
    return typer.Exit(code)
