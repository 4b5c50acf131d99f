"""The checkout that the project's own tests look at."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def project_table() -> dict[str, Any]:
    """Return what pyproject.toml declares."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def distribution(requirement: str) -> str:
    """Return the name that a requirement begins with."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def make_targets() -> set[str]:
    """List the words that `make` knows."""
    lines = (ROOT / "Makefile").read_text().splitlines()
    heads = [line.partition(":")[0] for line in lines if ":" in line and not line.startswith(("\t", "#", "."))]
    return {word for head in heads for word in head.split() if "=" not in head}
