"""The commands `genkan helm ...`."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from genkan_profiles import BUILT_IN, DocumentError, load_catalogue

from .machine_classes import unknown_machines
from .prepulling import Chart, prepull_values

app = typer.Typer(help="Values for the Helm charts, written from the catalogue.", no_args_is_help=True)


@app.command()
def prepull(
    catalogue: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="The catalogue: a file, or a directory of files.", show_default="the built-in one"
        ),
    ] = BUILT_IN,
    chart: Annotated[Chart, typer.Option(help="The chart that is to fetch them.")] = Chart.PLATFORM,
) -> None:
    """Print the values with which the catalogue's images are fetched before users want them.

    genkan-platform fetches each image on the machines on which the catalogue offers it; jupyterhub, the Zero to
    JupyterHub chart, on all machines of servers.
    """
    try:
        loaded = load_catalogue(catalogue)
    except DocumentError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        raise typer.Exit(1) from error
    if chart is Chart.PLATFORM:
        for row in unknown_machines(loaded):
            typer.echo(
                f"Warning: {row.slug}: The catalogue does not say which machines have it, so that nothing is fetched "
                "for it; give it a node_selector, or the product of its GPUs.",
                err=True,
            )
    typer.echo("# Written by `genkan helm prepull`: write it anew when the catalogue changes.")
    typer.echo(yaml.safe_dump(prepull_values(loaded, chart), sort_keys=False, allow_unicode=True), nl=False)
