from pathlib import Path

import pytest

from genkan_sandbox.records import own_command


def test_the_box_names_a_command_that_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / ".venv" / "bin" / "genkan-sandbox"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(program)])
    monkeypatch.setenv("PATH", "")
    assert own_command() == ".venv/bin/genkan-sandbox"
    monkeypatch.setenv("PATH", str(program.parent))
    assert own_command() == "genkan-sandbox"
    monkeypatch.setattr("sys.argv", ["genkan_sandbox/__main__.py"])
    assert own_command() == "genkan-sandbox"
