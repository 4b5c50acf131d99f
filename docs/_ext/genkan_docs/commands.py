"""The reference of a command, from its own help."""

import re
import subprocess
import sys
from importlib.metadata import entry_points

_TITLE = re.compile(r"\A# .*\n+")
_EVERYWHERE = re.compile(r"^\* `--(?:help|install-completion|show-completion)`.*\n", re.MULTILINE)
_EMPTY_OPTIONS = re.compile(r"^\*\*Options\*\*:\n\n(?!\*)", re.MULTILINE)


def command_reference(command: str) -> str:
    """Describe an installed command and its subcommands as Markdown, below the title of the page.

    Typer prints this itself (`typer MODULE utils docs`); what every command has in common is left out.
    """
    (script,) = entry_points(group="console_scripts", name=command)
    printed = subprocess.run(
        [sys.executable, "-m", "typer", script.module, "utils", "docs", "--name", command],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout
    return _EMPTY_OPTIONS.sub("", _EVERYWHERE.sub("", _TITLE.sub("", printed)))
