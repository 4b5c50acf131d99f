"""The reference of a command, from its own help."""

import html
import re
import subprocess
import sys
from importlib.metadata import entry_points

_TITLE = re.compile(r"\A# .*\n+")
_EVERYWHERE = re.compile(r"^\* `--(?:help|install-completion|show-completion)`.*\n", re.MULTILINE)
_COMMANDS = re.compile(r"^\*\*Commands\*\*:\n\n(?:\* .*\n)+\n", re.MULTILINE)
_EMPTY_OPTIONS = re.compile(r"^\*\*Options\*\*:\n\n(?!\*)", re.MULTILINE)


def command_reference(command: str) -> str:
    """Describe an installed command and its subcommands as Markdown, below the title of the page.

    Typer prints this itself (`typer MODULE utils docs`), escaped for HTML. Left out are options that every command has,
    and lists of commands, which repeat the headings with shortened sentences.
    """
    (script,) = entry_points(group="console_scripts", name=command)
    printed = subprocess.run(
        [sys.executable, "-m", "typer", script.module, "utils", "docs", "--name", command],
        check=True,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ).stdout
    for superfluous in (_TITLE, _COMMANDS, _EVERYWHERE, _EMPTY_OPTIONS):
        printed = superfluous.sub("", printed)
    return html.unescape(printed)
