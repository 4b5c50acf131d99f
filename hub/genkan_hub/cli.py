"""The command `genkan`, for administrators."""

from typing import Annotated

import typer

from genkan_images.cli import app as images
from genkan_profiles import __version__

from .cleaning.cli import clean_up
from .cluster_page.cli import cluster_page
from .doctor.cli import doctor
from .explain.cli import explain
from .helm.cli import app as helm
from .homes.cli import app as homes
from .profiles.cli import app as profiles
from .quota.cli import app as quota

app = typer.Typer(
    name="genkan",
    help="See what a hub offers its users.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(profiles, name="profiles")
app.add_typer(homes, name="homes")
app.command()(explain)
app.command()(cluster_page)
app.command()(clean_up)
app.command()(doctor)
app.add_typer(images, name="images")
app.add_typer(helm, name="helm")
app.add_typer(quota, name="quota")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command."""
    app()
