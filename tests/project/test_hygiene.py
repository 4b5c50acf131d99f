"""The project says nothing of the machines it was written on."""

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .checkout import ROOT

# In parts, so that this file passes its own test.
KNOWN_INDEXES = [
    ".".join(parts)
    for parts in [
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("yarnpkg", "com"),
        ("proxy", "golang", "org"),
        ("sum", "golang", "org"),
    ]
]
INDEX_VARIABLES = [
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "npm_config_registry",
    "GOPROXY",
]


def index_hosts() -> list[str]:
    """Name the package indexes that everybody knows, and those that this machine is set to."""
    words = re.split(r"[,|\s]+", " ".join(os.environ.get(variable, "") for variable in INDEX_VARIABLES))
    configured = {host for word in words if (host := urlsplit(word).hostname) is not None}
    return sorted({*KNOWN_INDEXES, *configured})


def naming(needle: str, files: list[Path]) -> list[str]:
    pattern = re.compile(rf"(?<![\w./-]){re.escape(needle)}(?![\w-])")
    return sorted(str(path.relative_to(ROOT)) for path in files if pattern.search(path.read_text(errors="ignore")))


@pytest.mark.parametrize("host", index_hosts())
def test_no_package_index_is_named(host: str, tracked_files: list[Path]) -> None:
    found = [path for path in tracked_files if host in path.read_text(errors="ignore")]

    assert found == []


def test_no_path_of_this_machine_is_written_down(tracked_files: list[Path]) -> None:
    """A path of one part, such as a home directory `/root`, may well be meant."""
    own = {path for path in (ROOT, ROOT.parent, Path.home()) if len(path.parts) > 2}

    assert {str(path): found for path in own if (found := naming(str(path), tracked_files))} == {}
