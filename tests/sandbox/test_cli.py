import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from genkan_sandbox import cli
from genkan_sandbox.exceptions import OptionError
from genkan_sandbox.state import StateDirectory


@pytest.mark.parametrize(
    ("failure", "code", "sentence"),
    [
        (OSError(errno.EISDIR, os.strerror(errno.EISDIR), "/tmp/x"), 1, "genkan-sandbox: /tmp/x: Is a directory.\n"),  # noqa: S108
        (OptionError("No.", mend="Yes."), 2, "genkan-sandbox: No. Yes.\n"),
    ],
    ids=["the system refuses", "an option that cannot be"],
)
def test_a_failure_is_a_sentence_and_an_exit_code(
    failure: Exception,
    code: int,
    sentence: str,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> NoReturn:
        raise failure

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == code
    assert capsys.readouterr().err == sentence


def test_homes_are_forgotten_only_after_a_yes(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    (state.volumes / "home").mkdir()

    def reset(*words: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "genkan_sandbox", "reset", "--state", str(state.root), *words]
        return subprocess.run(arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    refused = reset("--homes")
    assert refused.returncode == 2
    assert "holds 1 homes. Add --yes" in refused.stderr
    assert (state.volumes / "home").is_dir()
    assert reset("--homes", "--yes").returncode == 0
    assert list(tmp_path.iterdir()) == []
