#!/bin/sh
# The kernel of notebooks, on the Python that has the framework.
set -eu
"$BASE_PYTHON" -c 'import ipykernel' || {
    printf 'genkan: %s of the base has no ipykernel, on which notebooks run.\n' "$BASE_PYTHON" >&2
    exit 1
}
"$BASE_PYTHON" - <<'PYTHON'
import json
import os
import pathlib

folder = pathlib.Path("/usr/local/share/jupyter/kernels/python3")
folder.mkdir(parents=True, exist_ok=True)
spec = {
    "argv": [os.environ["BASE_PYTHON"], "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": os.environ["KERNEL_NAME"],
    "language": "python",
    "metadata": {"debugger": True},
}
(folder / "kernel.json").write_text(json.dumps(spec, indent=2) + "\n", encoding="utf-8")
PYTHON
