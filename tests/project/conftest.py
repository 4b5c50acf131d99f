import shutil
import subprocess
from pathlib import Path

import pytest

from ..support.sandbox import require
from .checkout import ROOT


@pytest.fixture(scope="session")
def tracked_files() -> list[Path]:
    """The files that belong to the project, as git tells them from what lies beside them."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        require("Only git and a git checkout tell which files belong to the project.")
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], check=True, capture_output=True, encoding="utf-8"
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]
