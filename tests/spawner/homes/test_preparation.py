"""What the container that prepares a home does, run by shells that images have."""

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from genkan_spawner.homes.preparation import (
    FOREIGN,
    GONE,
    LINK,
    NO_FOLDER,
    NO_PARENT,
    NOT_MADE,
    UNREACHABLE,
    failed_preparation,
    preparation,
)

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return ["busybox", "sh"] if request.param == "busybox" else [request.param]


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    folder = tmp_path / "homes"
    folder.mkdir()
    return folder


def run(
    shell: list[str], homes: Path, path: str = "alice", *points: str, uid: int | None = None, may_make: bool = True
) -> tuple[int, str]:
    """Return how the container ends."""
    container = preparation(
        path,
        may_make=may_make,
        points=points,
        image="a:1",
        folder=None,
        uid=1000,
        gid=None,
        resources={},
        pull_policy=None,
    )
    _, option, script, *arguments = (part.format() for part in container["command"])
    assert "/homes" in script
    script = script.replace("/homes", f'"{homes}"')
    found = subprocess.run(
        [*shell, option, script, *(part.replace("$$", "$") for part in arguments)],
        env={"LC_ALL": "C", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        user=uid,
    )
    return found.returncode, found.stderr


def test_a_missing_home_is_made_for_its_user_alone(shell: list[str], homes: Path) -> None:
    assert run(shell, homes) == (0, "")
    assert stat.S_IMODE((homes / "alice").stat().st_mode) & 0o777 == 0o700


def test_a_home_that_is_there_stays_as_it_is(shell: list[str], homes: Path) -> None:
    (homes / "alice").mkdir(mode=0o755)
    (homes / "alice" / "thesis").write_text("a")

    assert run(shell, homes) == run(shell, homes) == (0, "")
    assert stat.S_IMODE((homes / "alice").stat().st_mode) == 0o755
    assert (homes / "alice" / "thesis").read_text() == "a"


def test_a_home_that_was_there_is_not_made_anew(shell: list[str], homes: Path) -> None:
    assert run(shell, homes, may_make=False) == (GONE, "")
    assert list(homes.iterdir()) == []
    (homes / "alice").mkdir()
    assert run(shell, homes, "alice", "share", may_make=False) == (0, "")
    assert (homes / "alice" / "share").is_dir()


def test_a_home_may_be_deeper(shell: list[str], homes: Path) -> None:
    (homes / "of 2026" / "x").mkdir(parents=True)

    assert run(shell, homes, "of 2026/x/$(id) *")[0] == 0
    assert (homes / "of 2026" / "x" / "$(id) *").is_dir()


@pytest.mark.parametrize("target", [".", "bob", "gone", "/etc"])
def test_links_are_not_followed(shell: list[str], homes: Path, target: str) -> None:
    (homes / "bob").mkdir()
    (homes / "alice").symlink_to(target)

    assert run(shell, homes)[0] == LINK
    assert run(shell, homes, "alice/deeper")[0] == NO_PARENT
    assert sorted(path.name for path in homes.rglob("*")) == ["alice", "bob"]


def test_a_file_is_no_home(shell: list[str], homes: Path) -> None:
    (homes / "alice").write_text("")

    assert run(shell, homes)[0] == NO_FOLDER


def test_what_it_is_in_must_be_there(shell: list[str], homes: Path) -> None:
    assert run(shell, homes, "students/alice")[0] == NO_PARENT
    assert run(shell, homes / "gone")[0] == UNREACHABLE


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as two users")
def test_a_home_of_somebody_else_is_not_taken(shell: list[str]) -> None:
    # Not in pytest's own folder, which another run of pytest closes to other users.
    with tempfile.TemporaryDirectory() as name:
        homes = Path(name)
        homes.chmod(0o755)
        (homes / "alice").mkdir()
        (homes / "alice").chmod(0o777)

        assert run(shell, homes, uid=4321)[0] == FOREIGN
        code, message = run(shell, homes, "bob", uid=4321)
    assert code == NOT_MADE
    assert "Permission denied" in message


def test_folders_for_volumes_in_the_home_are_made(shell: list[str], homes: Path) -> None:
    (homes / "alice" / "work").mkdir(parents=True)
    (homes / "alice" / "work").chmod(0o750)

    assert run(shell, homes, "alice", "work/data sets/a", "share", "$(id)") == (0, "")
    assert {str(path.relative_to(homes)) for path in homes.rglob("*")} == {
        "alice",
        "alice/work",
        "alice/work/data sets",
        "alice/work/data sets/a",
        "alice/share",
        "alice/$(id)",
    }
    assert stat.S_IMODE((homes / "alice" / "work").stat().st_mode) == 0o750
    assert stat.S_IMODE((homes / "alice" / "share").stat().st_mode) & 0o777 == 0o755


@pytest.mark.parametrize("target", ["../bob", "/etc", "gone"])
def test_nothing_is_made_where_a_link_leads_that_a_user_put_there(shell: list[str], homes: Path, target: str) -> None:
    (homes / "bob").mkdir()
    (homes / "alice").mkdir()
    (homes / "alice" / "work").symlink_to(target)

    assert run(shell, homes, "alice", "work/data", "share") == (0, "")
    assert sorted(path.name for path in homes.rglob("*")) == ["alice", "bob", "share", "work"]


def test_each_end_is_a_sentence() -> None:
    codes = (UNREACHABLE, LINK, NOT_MADE, NO_FOLDER, FOREIGN, NO_PARENT, GONE)
    sentences = {failed_preparation(code, "") for code in codes}

    assert len(sentences) == len(codes)
    assert failed_preparation(127, "sh: not found") == (
        "Your home could not be prepared (exit code 127). Tell an administrator."
    )


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system that takes not one folder more."""
    folder = tmp_path / "full"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_without_room_for_a_home_is_called_full(shell: list[str], full: Path) -> None:
    code, message = run(shell, full)

    assert failed_preparation(code, message) == (
        "There is no room for your home: the disk of the homes is full. Tell an administrator."
    )


@pytest.mark.parametrize("message", ["No space left on device", "Disk quota exceeded"])
def test_a_full_disk_is_called_so(message: str) -> None:
    assert failed_preparation(NOT_MADE, f"mkdir: cannot create directory './alice': {message}\n") == (
        "There is no room for your home: the disk of the homes is full. Tell an administrator."
    )
