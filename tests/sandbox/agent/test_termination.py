from pathlib import Path
from typing import Any

import pytest

from genkan_sandbox.agent.mounts import Bind
from genkan_sandbox.agent.termination import termination_bind, termination_file, termination_message
from genkan_spawner.api import JsonObject

from .manifests import container

FALLBACK: dict[str, Any] = {"terminationMessagePolicy": "FallbackToLogsOnError"}


def test_a_container_finds_an_empty_file_at_each_start(tmp_path: Path) -> None:
    bind = termination_bind(tmp_path, container())
    assert bind == Bind(tmp_path / "termination" / "notebook", "/dev/termination-log")
    assert bind.source.stat().st_mode & 0o777 == 0o666
    bind.source.write_text("old")

    assert termination_bind(tmp_path, container(terminationMessagePath="/tmp/last")).target == "/tmp/last"  # noqa: S108
    assert bind.source.read_text() == ""


@pytest.mark.parametrize(
    ("made", "said", "words"),
    [
        ((container(), 1), "full disk\n", "full disk\n"),
        ((container(), 0), "done", "done"),
        ((container(), 1), "", ""),
        ((container(**FALLBACK), 1), "full disk", "full disk"),
        ((container(**FALLBACK), 1), "", "line 1\nline 2\n"),
        ((container(**FALLBACK), 0), "", ""),
        ((container(), 1), "x" * 5000, "x" * 4096),
    ],
)
def test_last_words(tmp_path: Path, made: tuple[JsonObject, int], said: str, words: str) -> None:
    raw, code = made
    file, log = termination_bind(tmp_path, raw).source, tmp_path / "log"
    file.write_text(said)
    log.write_text("line 1\nline 2\n")

    assert termination_message(raw, file=file, log=log, exit_code=code) == words


def test_of_a_log_the_last_lines_are_taken(tmp_path: Path) -> None:
    made = container(**FALLBACK)
    file, log = termination_file(tmp_path, "notebook"), tmp_path / "log"

    log.write_text("".join(f"{number}\n" for number in range(200)))
    assert termination_message(made, file=file, log=log, exit_code=1).split() == [str(row) for row in range(120, 200)]
    log.write_text("x" * 3000)
    assert termination_message(made, file=file, log=log, exit_code=1) == "x" * 2048


def test_a_link_in_place_of_the_file_leads_nowhere(tmp_path: Path) -> None:
    file = termination_bind(tmp_path, container()).source
    file.unlink()
    file.symlink_to("/etc/hostname")

    assert termination_message(container(), file=file, log=tmp_path / "none", exit_code=1) == ""
