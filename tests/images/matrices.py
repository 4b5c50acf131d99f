"""A small matrix, and how tests break it."""

from pathlib import Path
from typing import Any

import yaml

Row = dict[str, Any]

DIGEST = "sha256:" + "0123456789abcdef" * 4
TODAY = "2026-11-23"


def base(**changes: Any) -> Row:
    return {"source": "nvidia", "path": "nvidia/pytorch", "tag": "26.08-py3", "digest": DIGEST} | changes


def row(**changes: Any) -> Row:
    """Return a row without a flaw, with changes; None takes a field out."""
    release = changes.get("release", "26.08")
    whole = {
        "flavour": "pytorch",
        "release": "26.08",
        "revision": 1,
        "channel": "stable",
        "base": base(tag=f"{release}-py3"),
        "framework_version": "2.14",
        "python": "3.12",
        "cuda": "13.4",
        "min_driver": "580",
        "compute_capabilities": ["7.5", "9.0"],
        "licence_files": ["/workspace/license.txt"],
        "end_of_life": "2027-05-31",
    } | changes
    return {field: value for field, value in whole.items() if value is not None}


def cpu(**changes: Any) -> Row:
    """Return a row of the flavour without GPUs."""
    plain = dict.fromkeys(("cuda", "min_driver", "compute_capabilities", "licence_files", "framework_version"))
    ubuntu = base(source="library", path="library/ubuntu", tag=changes.get("release", "24.04"))
    return row(**(plain | {"flavour": "cpu", "release": "24.04", "base": ubuntu} | changes))


def written(folder: Path, *rows: Row) -> Path:
    """Write a matrix of these rows."""
    file = folder / "matrix.yaml"
    file.write_text(yaml.safe_dump({"images": list(rows)}, sort_keys=False))
    return file
