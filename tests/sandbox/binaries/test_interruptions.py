"""Runs that end in the middle, and runs that meet: each in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genkan_sandbox.binaries import Source, prepare
from genkan_sandbox.progress import PlainProgress

from ...support.processes import TERMINAL
from .toolbox import NOWHERE, Toolbox

_RUN = """\
import sys
from pathlib import Path
from genkan_sandbox.binaries import Addresses, prepare, to_json
from genkan_sandbox.progress import open_progress
addresses = Addresses(kubernetes=sys.argv[2], etcd=sys.argv[2])
binaries = prepare(cache=Path(sys.argv[1]), progress=open_progress(), addresses=addresses)
print(to_json(binaries.provenance)["etcd"]["source"])
"""


def start(cache: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*TERMINAL, sys.executable, "-c", _RUN, str(cache), NOWHERE.etcd],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("tool", "number"),
    [
        ("go", signal.SIGKILL),
        ("go", signal.SIGINT),
        ("go", signal.SIGTERM),
        ("go", signal.SIGHUP),
        ("npm", signal.SIGKILL),
        ("npm", signal.SIGINT),
    ],
)
def test_an_interrupted_run_leaves_no_process_and_nothing_that_is_taken_for_good(
    *, number: signal.Signals, tool: str, cache: Path, toolbox: Toolbox, progress: PlainProgress
) -> None:
    toolbox.everything()
    if tool == "go":
        toolbox.go(then=toolbox.hanging())
    else:
        toolbox.npm(then=toolbox.hanging())

    with start(cache) as run:
        with toolbox.pipe.open() as pipe:
            assert pipe.readline() == "hanging\n"
            run.send_signal(number)
            assert pipe.read() == ""  # its end: neither the tool nor its child is there any more
        _, errors = run.communicate()

    assert ("KeyboardInterrupt" in errors) == (number is signal.SIGINT)
    assert list(cache.glob("proxy-*")) == []

    toolbox.everything()
    binaries = prepare(cache=cache, progress=progress, addresses=NOWHERE)

    made = {one.name: one.source for one in binaries.provenance}
    assert made["kube-apiserver"] is (Source.BUILD if tool == "go" else Source.CACHE)
    assert made["configurable-http-proxy"] is Source.NPM
    assert list((cache / "work").iterdir()) == []


def test_of_two_runs_at_once_one_builds_and_the_other_waits(cache: Path, toolbox: Toolbox) -> None:
    toolbox.everything()
    go_on = toolbox.folder / "go-on"
    toolbox.hanging()
    toolbox.go(then=f'[ -e "{go_on}" ] || {{ echo building > "{toolbox.pipe}"; read line < "{toolbox.pipe}"; }}')

    with start(cache) as first:
        with toolbox.pipe.open() as pipe:
            assert pipe.readline() == "building\n"
        go_on.touch()
        with start(cache) as second:
            assert second.stderr is not None
            said = second.stderr.readline()
            with toolbox.pipe.open("w") as pipe:
                pipe.write("go on\n")
            first_output, _ = first.communicate()
            second_output, _ = second.communicate()

    assert said == f"Waiting for process {first.pid}, which is preparing Kubernetes v1.36.3 already ...\n"
    assert first_output == "build\n"
    assert second_output in {"build\n", "cache\n"}  # etcd is made by whichever comes first
    assert len(toolbox.builds()) == 2
    assert len(toolbox.installs()) == 1
