"""The command `genkan clean-up`."""

import asyncio
from typing import Annotated

import typer

from genkan_hub.connection import NoClusterError, connect, current_namespace
from genkan_spawner.exceptions import KubernetesError

from .finished import finished_pods, remove

BAD_INPUT = 2
UNREADABLE = 5


def clean_up(
    namespaces: Annotated[
        list[str] | None,
        typer.Option(
            "--namespace", metavar="NAME", help="Where; may be given several times.", show_default="the current one"
        ),
    ] = None,
    finished_for: Annotated[
        int, typer.Option(min=0, metavar="SECONDS", help="How long a pod stays after its end.")
    ] = 3600,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed, and leave it.")] = False,
    kubeconfig: Annotated[
        str | None,
        typer.Option(
            envvar="KUBECONFIG", metavar="FILE", help="The cluster.", show_default="~/.kube/config, or this pod's"
        ),
    ] = None,
) -> None:
    """Remove pods that have ended and that nobody looks after; what a Job or another controller made is left alone.

    Leaves with 1 if a pod could not be removed, with 5 if the cluster cannot be read, and with 2 if it is not known.
    """
    try:
        where = namespaces or [current_namespace(kubeconfig)]
        failed = asyncio.run(_clean_up(where, ago=finished_for, dry_run=dry_run, kubeconfig=kubeconfig))
    except NoClusterError as error:
        typer.echo(f"genkan clean-up: {error}", err=True)
        raise typer.Exit(BAD_INPUT) from error
    except KubernetesError as error:
        typer.echo(f"genkan clean-up: The cluster cannot be read: {error.message}", err=True)
        raise typer.Exit(UNREADABLE) from error
    if failed:
        raise typer.Exit(1)


async def _clean_up(namespaces: list[str], *, ago: int, dry_run: bool, kubeconfig: str | None) -> int:
    """Return how many pods could not be removed."""
    failed = 0
    async with await connect(kubeconfig) as api:
        for pod in await finished_pods(api, namespaces, ago=ago):
            reason = "" if dry_run else await remove(api, pod)
            failed += bool(reason)
            what = "Would remove" if dry_run else "Could not remove" if reason else "Removed"
            ended = f"{pod.namespace}/{pod.name}, which ended at {pod.since:%Y-%m-%d %H:%M} UTC"
            typer.echo(f"{what} {ended}{': ' + reason if reason else '.'}", err=bool(reason))
    return failed
