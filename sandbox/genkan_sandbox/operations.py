"""What other terminals do with a sandbox: look at it, stop it, read its logs, forget it."""

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from genkan_sandbox.exceptions import OptionError, StateError
from genkan_sandbox.real_node.cgroups import group_name, remove_group
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.components import last_lines
from genkan_sandbox.supervision.leftovers import end_sandbox_processes

STOP_SECONDS = 15.0
"""A sandbox stops within ten seconds; one that takes longer is ended by force."""


@dataclass(frozen=True, slots=True)
class ComponentStatus:
    """One process of a running sandbox."""

    name: str
    pid: int
    running: bool
    age_seconds: float
    memory_bytes: int
    """Resident memory of the process and of its children."""


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """A sandbox as its record and the kernel describe it."""

    running: bool
    ready: bool
    site: str | None
    url: str | None
    components: tuple[ComponentStatus, ...]


NOTHING = SandboxStatus(running=False, ready=False, site=None, url=None, components=())


def status(state: StateDirectory) -> SandboxStatus:
    """Look at the sandbox of a state directory."""
    if not state.in_use():
        return NOTHING
    record = state.record()
    if record is None or record["pid"] != state.holder():
        return dataclasses.replace(NOTHING, running=True)
    parts = {"supervisor": {"pid": record["pid"]}, **record["components"]}
    return SandboxStatus(
        running=True,
        ready=record["ready"],
        site=record["site"],
        url=record["url"],
        components=tuple(_component_status(name, part["pid"]) for name, part in parts.items()),
    )


def _component_status(name: str, pid: int) -> ComponentStatus:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)] if name != "supervisor" else [process]
        memory = sum(_memory(member) for member in family)
        age = time.time() - process.create_time()
    except psutil.Error:
        return ComponentStatus(name=name, pid=pid, running=False, age_seconds=0, memory_bytes=0)
    return ComponentStatus(name=name, pid=pid, running=True, age_seconds=age, memory_bytes=memory)


def _memory(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def stop(state: StateDirectory) -> bool:
    """Stop the sandbox of a state directory, by force if it must be; return whether anything ran."""
    ran = state.in_use()
    pid = state.holder()
    if ran and pid is not None:
        _signal(pid, signal.SIGTERM)
        if not _wait_until_free(state, STOP_SECONDS):
            _signal(pid, signal.SIGKILL)
            _wait_until_free(state, STOP_SECONDS)
    ended = end_sandbox_processes(state.id)
    remove_group(group_name(state.id))
    state.forget_record()
    return ran or ended > 0


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_until_free(state: StateDirectory, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while state.in_use():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def reset(state: StateDirectory, *, with_homes: bool) -> Path | None:
    """Forget a sandbox that does not run: cluster, accounts, logs; return where the homes are now, if there are any.

    Homes are put aside, beside the state directory, unless they are to go too.
    """
    with state.locked():
        end_sandbox_processes(state.id)
        remove_group(group_name(state.id))
        kept = None if with_homes else state.put_homes_aside()
        state.remove()
    return kept


def log_files(state: StateDirectory) -> dict[str, Path]:
    """Return the logs there are, components first, then each pod's containers as POD/CONTAINER."""
    components = {path.stem: path for path in sorted(state.logs.glob("*.log")) if ".previous" not in path.name}
    pods = {
        f"{path.parent.name.split('_')[1]}/{path.stem}": path
        for path in sorted(state.pod_logs.glob("*_*_*/*.log"), key=lambda path: path.stat().st_mtime)
        if ".previous" not in path.name
    }
    containers = {
        f"{path.parent.parent.name.split('_')[1]}/{path.parent.name}": path
        for path in sorted(state.root.glob("node/logs/*_*_*/*/*.log"), key=lambda path: path.stat().st_mtime)
    }
    return {**components, **pods, **containers}


def find_log(state: StateDirectory, name: str) -> Path:
    """Return the log of a component, or of a pod by its name; refuse others with what there is."""
    files = log_files(state)
    found = files.get(name) or next((path for key, path in files.items() if key.split("/")[0] == name), None)
    if found is None:
        raise OptionError(f"There is no log of {name!r}.", mend=f"Logs there are: {', '.join(files) or 'none'}.")
    return found


def read_log(path: Path, *, lines: int, follow: bool) -> Iterator[str]:
    """Yield the end of a log, and what is added to it for as long as the caller wants."""
    with path.open(errors="replace") as file:
        file.seek(0, os.SEEK_END)
        yield last_lines(path, lines) + "\n"
        while follow:
            added = file.read()
            if added:
                yield added
            else:
                time.sleep(0.3)


def administrator(state: StateDirectory) -> Path:
    """Return the kubeconfig with every right; a sandbox that has never run has none."""
    if not state.admin_kubeconfig.exists():
        raise StateError("This sandbox has never run.", mend="Start it with `genkan-sandbox up`.")
    return state.admin_kubeconfig


def run_kubectl(state: StateDirectory, arguments: list[str]) -> int:
    """Run kubectl, if the machine has one, as the sandbox's administrator."""
    kubeconfig = administrator(state)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    try:
        return subprocess.run(["kubectl", *arguments], env=environment, check=False).returncode
    except FileNotFoundError as e:
        raise OptionError(
            "There is no kubectl on PATH.",
            mend=f"Install one, or use any Kubernetes client with KUBECONFIG={kubeconfig}.",
        ) from e


def run_helm(state: StateDirectory, command: list[str]) -> int:
    """Run Helm as the sandbox's administrator."""
    environment = {**os.environ, "KUBECONFIG": str(administrator(state))}
    return subprocess.run(command, env=environment, check=False).returncode
