"""`tools/environment` on machines that cannot have one."""

import os
import subprocess
from pathlib import Path

import pytest

from .checkout import ROOT


def prepare(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a checkout of its own."""
    (checkout / "tools").mkdir(parents=True, exist_ok=True)
    (checkout / "requirements").mkdir(exist_ok=True)
    for name in ("tools/environment", "requirements/sandbox.txt", "pyproject.toml"):
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    return subprocess.run(
        ["sh", "tools/environment", "sandbox"],
        cwd=checkout,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def fake_python(folder: Path, body: str) -> str:
    program = folder / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize("version", ["3.9.2", "3.10.14", "3.15.0"])
def test_a_python_of_the_wrong_age_is_named_with_the_mend(tmp_path: Path, version: str) -> None:
    body = f'case "$1" in -V) echo "Python {version}" ;; *) exit 1 ;; esac'
    refused = prepare(tmp_path / "checkout", PYTHON=fake_python(tmp_path, body))
    assert refused.returncode == 1
    assert f"is Python {version}; Genkan needs Python 3.11 to 3.14" in refused.stderr
    assert "make PYTHON=" in refused.stderr


def test_no_python_at_all_is_a_sentence(tmp_path: Path) -> None:
    refused = prepare(tmp_path / "checkout", PYTHON="python-of-nobody")
    assert refused.returncode == 1
    assert "There is no python-of-nobody on PATH." in refused.stderr


def test_a_python_without_venv_leaves_no_half_environment(tmp_path: Path) -> None:
    body = 'case "$1" in -c) exit 0 ;; *) mkdir -p .venv/bin; exit 1 ;; esac'
    refused = prepare(tmp_path / "checkout", PYTHON=fake_python(tmp_path, body))
    assert refused.returncode == 1
    assert "apt-get install python3-venv" in refused.stderr
    assert not (tmp_path / "checkout" / ".venv").exists()


def test_packages_that_cannot_be_had_are_a_sentence_and_nothing_counts_as_installed(tmp_path: Path) -> None:
    body = (
        'case "$1" in -c) exit 0 ;; *) mkdir -p .venv/bin; '
        "printf '#!/bin/sh\\nexit 1\\n' >.venv/bin/pip; chmod +x .venv/bin/pip ;; esac"
    )
    refused = prepare(tmp_path / "checkout", PYTHON=fake_python(tmp_path, body))
    assert refused.returncode == 1
    assert "pip could not install requirements/sandbox.txt" in refused.stderr
    assert not list((tmp_path / "checkout" / ".venv").glob("genkan-*"))


def python_with_pip(folder: Path, *, prefix: str, pip: str = "exit 0") -> str:
    """Make a Python of a prefix that makes environments with this pip; each leaves a mark of its making."""
    folder.mkdir(exist_ok=True)
    return fake_python(
        folder,
        f"""case "$1" in
  -c) case "$2" in *base_prefix*) echo "{prefix} (3, 12)" ;; esac ;;
  *) echo made >>made; mkdir -p .venv/bin
     printf '%s\\n' '#!/bin/sh' '{pip}' >.venv/bin/pip; chmod +x .venv/bin/pip ;;
esac""",
    )


def times_made(checkout: Path) -> int:
    return len((checkout / "made").read_text().split())


def test_an_environment_is_kept_until_another_python_is_named(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    first = python_with_pip(tmp_path / "first", prefix="/usr")
    namesake = python_with_pip(tmp_path / "namesake", prefix="/usr")
    other = python_with_pip(tmp_path / "other", prefix="/opt")
    for python, expected in ((first, 1), (first, 1), (namesake, 1), (other, 2), (first, 3)):
        assert prepare(checkout, PYTHON=python).returncode == 0
        assert times_made(checkout) == expected
        assert (checkout / ".venv" / "genkan-sandbox").is_file()


def test_the_python_of_another_shell_is_no_reason_for_a_new_environment(tmp_path: Path) -> None:
    checkout, other = tmp_path / "checkout", tmp_path / "other"
    assert prepare(checkout, PYTHON=python_with_pip(tmp_path / "first", prefix="/usr")).returncode == 0
    Path(python_with_pip(other, prefix="/opt")).rename(other / "python3")
    assert prepare(checkout, PYTHON="python3", PATH=f"{other}:{os.environ['PATH']}").returncode == 0
    assert times_made(checkout) == 1


def test_a_moved_checkout_gets_a_new_environment(tmp_path: Path) -> None:
    python = python_with_pip(tmp_path / "python", prefix="/usr")
    assert prepare(tmp_path / "before", PYTHON=python).returncode == 0
    (tmp_path / "before").rename(tmp_path / "after")
    assert prepare(tmp_path / "after", PYTHON=python).returncode == 0
    assert times_made(tmp_path / "after") == 2


def test_an_environment_made_by_hand_is_left_alone(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    assert prepare(checkout, PYTHON=python_with_pip(tmp_path / "first", prefix="/usr")).returncode == 0
    (checkout / ".venv" / "origin").unlink()
    assert prepare(checkout, PYTHON=python_with_pip(tmp_path / "other", prefix="/opt")).returncode == 0
    assert times_made(checkout) == 1


def test_a_project_that_cannot_be_installed_is_a_sentence(tmp_path: Path) -> None:
    pip = 'case "$*" in *--editable*) exit 1 ;; esac'
    refused = prepare(tmp_path / "checkout", PYTHON=python_with_pip(tmp_path / "first", prefix="/usr", pip=pip))
    assert refused.returncode == 1
    assert "pip could not install Genkan itself" in refused.stderr
    assert not (tmp_path / "checkout" / ".venv" / "genkan-sandbox").exists()
