"""The commands `genkan quota ...`."""

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import typer
import yaml

from genkan_hub.connection import NoClusterError, connect
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.kinds import NODES, PODS

from .capacity import capacity, is_for_servers
from .exceptions import QuotaError
from .shares import as_table, parse_part, planned, remarks, shares, values, written_amount

app = typer.Typer(help="Shares of the cluster, as numbers for quotas.", no_args_is_help=True)

BAD_INPUT = 2
UNREADABLE = 5


@app.callback()
def _root() -> None:
    """Keep `plan` a command of its own."""


@app.command()
def plan(
    teams: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[TEAM[=SHARE]]...", help="The teams; without any, what each one gets.", show_default=False
        ),
    ] = None,
    share: Annotated[
        str | None, typer.Option(metavar="SHARE", help="What a team gets: 1/3, 30% or 0.25.", show_default=False)
    ] = None,
    selector: Annotated[
        str | None,
        typer.Option(
            metavar="LABELS", help="Count only machines with these labels, as in kubectl.", show_default="all"
        ),
    ] = None,
    kubeconfig: Annotated[
        str | None,
        typer.Option(envvar="KUBECONFIG", metavar="FILE", help="The cluster.", show_default="~/.kube/config"),
    ] = None,
    as_values: Annotated[bool, typer.Option("--values", help="Print values for the chart genkan-platform.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say what a share of the cluster is in cores, memory and devices of each kind, from the machines that there are.

    Counted are all machines but those of the control plane, less what DaemonSets take on them; all is rounded down.
    Leaves with 5 if the cluster cannot be read, and with 2 if the question cannot be understood.
    """
    try:
        wanted = shares(teams or (), parse_part(share) if share is not None else None)
        found = asyncio.run(_capacity(kubeconfig, selector))
    except (QuotaError, NoClusterError) as error:
        raise _refusal(str(error), code=BAD_INPUT) from error
    except KubernetesError as error:
        raise _refusal(f"The cluster cannot be read: {error.message}", code=UNREADABLE) from error
    quotas = [planned(one, found) for one in wanted]
    if as_json:
        shown = {quota.share.team: {"share": str(quota.share.part), "hard": dict(quota.hard)} for quota in quotas}
        amounts = {name: written_amount(name, amount) for name, amount in found.items()}
        typer.echo(json.dumps({"capacity": amounts, "quotas": shown}))
    elif as_values:
        typer.echo("# Written by `genkan quota plan`: write it anew when machines come or go.")
        typer.echo(yaml.safe_dump(values(quotas), sort_keys=False), nl=False)
    else:
        typer.echo(as_table(quotas, found))
    for remark in remarks(quotas, found):
        typer.echo(remark, err=True)


async def _capacity(kubeconfig: str | None, selector: str | None) -> Mapping[str, Decimal]:
    async with await connect(kubeconfig) as api:
        nodes = [node for node in await api.list(NODES, label_selector=selector) if is_for_servers(node)]
        if not nodes:
            raise QuotaError("There are no machines for servers" + (f" with {selector}." if selector else "."))
        return capacity(nodes, await api.list(PODS))


def _refusal(sentence: str, *, code: int) -> typer.Exit:
    typer.echo(f"genkan quota plan: {sentence}", err=True)
    return typer.Exit(code)
