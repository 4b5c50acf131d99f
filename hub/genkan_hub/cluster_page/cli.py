"""The command `genkan cluster-page`: the page as a process or pod of its own."""

from typing import Annotated

import typer

from .doorstep import Doorstep
from .service import Service

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
    try:
        service = Service.from_environment(listen=listen)
    except ValueError as error:
        raise _refusal(str(error)) from None
    try:
        doorstep = Doorstep(service.address, service.port)
    except OSError as error:
        raise _refusal(f"It cannot listen on {service.address}:{service.port}: {error.strerror}.") from None
    from .application import run

    run(service, doorstep)


def _refusal(sentence: str) -> typer.Exit:
    typer.echo(f"genkan cluster-page: {sentence}", err=True)
    return typer.Exit(BAD_ENVIRONMENT)
