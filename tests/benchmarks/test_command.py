from pathlib import Path

import pytest
from benchmarks.cli import BENCHMARKS, Name, app
from benchmarks.machine import ROOT, describe_machine
from typer.testing import CliRunner

PAGE = ROOT / "docs/contributors/benchmarks.md"


def test_every_name_is_a_benchmark() -> None:
    assert list(BENCHMARKS) == list(Name)


@pytest.mark.parametrize("name", list(Name))
def test_every_benchmark_has_its_line_in_the_documentation(name: Name) -> None:
    assert f"| `{name}` |" in PAGE.read_text()


def test_another_name_is_refused_with_what_there_is(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["speed", "--output", str(tmp_path)])

    assert answer.exit_code == 2
    assert all(name in answer.output for name in Name)
    assert list(tmp_path.iterdir()) == []


def test_a_machine_is_described_in_words() -> None:
    text = describe_machine()

    assert "cores of" in text
    assert "GiB" in text
