from typer.testing import CliRunner

from genkan_hub.cli import app
from genkan_profiles import __version__


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"{__version__}\n")
