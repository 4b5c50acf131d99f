"""actionlint, as `tools/actionlint` pins it: on PATH, in the cache, or built once with Go."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

from genkan_sandbox.binaries.components import Source
from genkan_sandbox.binaries.modules import Modules
from genkan_sandbox.binaries.store import Store
from genkan_sandbox.binaries.toolchains import find_go
from genkan_sandbox.binaries.workshop import Workshop
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import open_progress
from genkan_sandbox.state import default_cache_directory

PINS = Path(__file__).parents[2] / "tools/actionlint"
PACKAGE = "github.com/rhysd/actionlint"


def prepare_actionlint() -> Path:
    """Return the program in its pinned version; raises BinariesError."""
    text = (PINS / "go.mod").read_text()
    pinned, oldest = (
        match[1]
        for pattern in (rf"{PACKAGE} v(\S+)", r"(?m)^go (\S+)$")
        if (match := re.search(pattern, text)) is not None
    )
    if (found := shutil.which("actionlint")) and _version(Path(found)) == pinned:
        return Path(found)
    workshop = Workshop(
        store=Store(root=default_cache_directory().absolute()), progress=open_progress(), modules=Modules.locate()
    )

    def make(made: Path, scratch: Path) -> Source:
        go = find_go(workshop, oldest=tuple(map(int, oldest.split("."))), purpose=f"actionlint {pinned}")
        module = scratch / "module"
        shutil.copytree(PINS, module)
        done = subprocess.run(
            [go, "build", "-mod=readonly", "-trimpath", "-o", made / "actionlint", f"{PACKAGE}/cmd/actionlint"],
            cwd=module,
            env={**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BinariesError(f"actionlint {pinned} could not be built: {done.stderr[-2000:]}")
        return Source.BUILD

    digest = hashlib.sha256((PINS / "go.sum").read_bytes()).hexdigest()[:12]
    key = f"actionlint-{pinned}-{digest}"
    return workshop.obtain(key, title=f"actionlint {pinned}", make=make).path / "actionlint"


def _version(program: Path) -> str:
    return subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]
