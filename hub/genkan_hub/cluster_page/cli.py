"""The command `genkan cluster-page`: the page as a process or pod of its own."""

from typing import Annotated

import typer

BAD_ENVIRONMENT = 2


def cluster_page(
    listen: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS:PORT", help="Where to listen.", show_default="the URL that JupyterHub has for the service"
        ),
    ] = "",
) -> None:
    """Run the page of who holds which GPU; JupyterHub's variables for services say where the hub is."""
    from .application import run

    try:
        run(listen=listen)
    except ValueError as error:
        typer.echo(f"genkan cluster-page: {error}", err=True)
        raise typer.Exit(BAD_ENVIRONMENT) from None
