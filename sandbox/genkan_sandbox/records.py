"""What a sandbox says of itself: the ready file for programs, the box for people, the record for other commands."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from genkan_sandbox.plan import Plan
from genkan_sandbox.state import default_state_directory, write_private
from genkan_sandbox.supervision.components import ComponentProcess

COMMAND = "genkan-sandbox"

Processes = Mapping[str, ComponentProcess]


def write_ready_file(plan: Plan, *, password: str, processes: Processes) -> None:
    """Write the file that says where the sandbox is; it exists only while the sandbox is ready."""
    if plan.ready_file is None:
        return
    users = [
        {"name": user.name, "password": password, "groups": list(user.groups), "admin": user.admin}
        for user in plan.users
    ]
    record = {
        "url": plan.public_url if plan.with_hub else None,
        "users": users,
        "kubeconfig": str(plan.state.admin_kubeconfig),
        "namespace": plan.site.hub_namespace,
        "gpu_metrics": plan.exporter_url,
        "pids": {"supervisor": os.getpid(), **{name: process.pid for name, process in processes.items()}},
    }
    write_private(plan.ready_file, json.dumps(record, indent=1) + "\n")


def write_run_record(plan: Plan, *, ready: bool, processes: Processes) -> None:
    """Write what `status`, `down` and the next start read."""
    record = {
        "pid": os.getpid(),
        "number": plan.address.number,
        "site": plan.site_name,
        "simulate": plan.simulate,
        "url": plan.public_url if plan.with_hub else None,
        "ready": ready,
        "components": {name: {"pid": process.pid, "started": process.started} for name, process in processes.items()},
    }
    # A full disk must not take a running sandbox down.
    with suppress(OSError):
        plan.state.write("run.json", json.dumps(record, indent=1))


def print_box(plan: Plan, *, password: str, isolation: str, stream: TextIO) -> None:
    """Print what a person needs now: where to go, as whom, and how to stop."""
    rows = _rows(plan, password=password, isolation=isolation)
    width = max(len(label) for label, _ in rows)
    with suppress(OSError, ValueError):
        if stream.isatty():
            from rich.console import Console
            from rich.panel import Panel
            from rich.table import Table

            table = Table.grid(padding=(0, 2))
            for label, text in rows:
                table.add_row(f"[bold]{label}[/bold]", text)
            Console(file=stream, highlight=False).print(Panel.fit(table, title="Genkan", padding=(1, 2)))
        else:
            stream.write("\n".join(["", *(f"  {label:<{width}}  {text}" for label, text in rows), ""]) + "\n")
            stream.flush()


def _rows(plan: Plan, *, password: str, isolation: str) -> list[tuple[str, str]]:
    people = ", ".join(f"{user.name}{' (administrator)' if user.admin else ''}" for user in plan.users)
    hub = [("Open", plan.public_url), ("Users", people), ("Password", password)]
    option = "" if plan.state.root == default_state_directory() else f" --state {plan.state.root}"
    return [
        *(hub if plan.with_hub else []),
        ("Site", f"{plan.site_name}, {len(plan.nodes)} nodes"),
        ("Servers", isolation),
        ("Kubernetes", f"export KUBECONFIG={plan.state.admin_kubeconfig}"),
        ("Stop", f"Ctrl-C here, or {own_command()} down{option}"),
    ]


def own_command() -> str:
    """Return what a person types to run this command again: `make up` does not put it on PATH."""
    program = Path(sys.argv[0])
    if program.name != COMMAND or shutil.which(COMMAND) is not None:
        return COMMAND
    return os.path.relpath(program)
