import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from genkan_sandbox import state as state_module
from genkan_sandbox.exceptions import StateError
from genkan_sandbox.state import StateDirectory, write_private


def test_only_the_owner_may_enter(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "deep" / "state")
    assert stat.S_IMODE(state.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(state.write("secret", "x").stat().st_mode) == 0o600


def test_the_id_stays(tmp_path: Path) -> None:
    first = StateDirectory.open(tmp_path / "state").id
    assert StateDirectory.open(tmp_path / "state").id == first
    assert StateDirectory.open(tmp_path / "other").id != first


def test_a_directory_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(StateError, match="holds other files"):
        StateDirectory.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_version_is_refused_with_the_mend(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    state.write("version", "99")
    with pytest.raises(StateError, match=r"version '99'.*reads version.*genkan-sandbox reset"):
        StateDirectory.open(state.root)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match="is not a directory"):
        StateDirectory.open(tmp_path / "state")


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(state_module, "write_private", full)
    with pytest.raises(StateError, match="is full"):
        StateDirectory.open(tmp_path / "state")


def test_too_little_room_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "ROOM", 2**62)
    with pytest.raises(StateError, match="MiB of disk left"):
        StateDirectory.open(tmp_path / "state")


def test_one_sandbox_at_a_time_and_a_dead_one_holds_nothing(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    hold = (
        "import sys, pathlib, genkan_sandbox.state as s\n"
        "with s.StateDirectory.open(pathlib.Path(sys.argv[1])).locked():\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(state.root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert state.in_use()
        with pytest.raises(StateError, match="runs already"), state.locked():
            pass
        holder.kill()
    assert not state.in_use()


def test_a_write_that_fails_leaves_the_old_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    write_private(path, "old")

    def broken(self: Path, target: Path) -> None:
        raise OSError(errno.EIO, "broken disk")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="broken disk"):
        write_private(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_start_keeps_the_logs_of_the_latest_pods(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    for age in range(5):
        folder = state.pod_logs / f"genkan_pod-{age}_uid"
        folder.mkdir()
        os.utime(folder, (1e9 - age, 1e9 - age))
    state.drop_old_pod_logs(keep=2)
    assert sorted(folder.name for folder in state.pod_logs.iterdir()) == ["genkan_pod-0_uid", "genkan_pod-1_uid"]


def test_forgetting_removes_everything_and_only_a_sandbox(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    (state.volumes / "home").mkdir()
    (state.volumes / "home" / "notebook.ipynb").write_text("{}")
    outside = tmp_path / "outside"
    outside.mkdir()
    (state.volumes / "link").symlink_to(outside)
    (state.volumes / "home" / "go").mkdir()
    (state.volumes / "home" / "go" / "module.go").write_text("")
    (state.volumes / "home" / "go").chmod(0o500)
    state.remove()
    assert not state.root.exists()
    assert outside.exists()
    assert StateDirectory.existing(tmp_path) is None


def test_a_file_called_version_does_not_make_a_sandbox(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("1.4.0")
    (tmp_path / "thesis.tex").write_text("years of work")
    assert StateDirectory.existing(tmp_path) is None


def test_looking_whether_a_sandbox_runs_holds_no_start_off(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    with (state.root / "lock").open("a+") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert not state.in_use()
        threading.Timer(0.2, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        with state.locked():
            assert state.in_use()
            assert state.holder() == os.getpid()


def test_a_directory_of_somebody_else_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "is_file", forbidden)
    with pytest.raises(StateError, match="Permission denied"):
        StateDirectory.existing(tmp_path)


def test_homes_are_put_aside_before_a_state_is_forgotten(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    assert state.put_homes_aside() is None
    (state.volumes / "released" / "old").mkdir(parents=True)
    (state.volumes / "home").mkdir()
    (state.volumes / "home" / "thesis.tex").write_text("years of work")
    assert state.homes == 2
    aside = state.put_homes_aside()
    state.remove()
    assert aside is not None
    assert aside.parent == tmp_path
    assert (aside / "home" / "thesis.tex").read_text() == "years of work"


def test_homes_on_an_export_are_put_aside_too(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    (state.exports / "homes" / "home").mkdir(parents=True)
    assert (state.homes, state.put_homes_aside()) == (0, None)
    (state.exports / "homes" / "home" / "ann").mkdir()
    (state.exports / "homes" / "home" / "ann" / "thesis.tex").write_text("years of work")
    (state.exports / "homes" / "readme").write_text("hello")
    assert state.homes == 2
    aside = state.put_homes_aside()
    state.remove()
    assert aside is not None
    assert (aside / "exports" / "homes" / "home" / "ann" / "thesis.tex").read_text() == "years of work"
