import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genkan_profiles.overrides import THREAD_VARIABLES

from .singleuser import CONTEXT, Environ, environ, run

SHOW = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"


def started(folder: Path, given: Environ) -> tuple[Environ, str, str]:
    """Return the variables and the directory of a command that was started, and what the start said."""
    done = run("start", sys.executable, "-c", SHOW, environ=given, folder=folder)
    assert done.returncode == 0, done.stderr
    variables, directory = json.loads(done.stdout)
    return variables, directory, done.stderr


@pytest.mark.parametrize(
    ("given", "files", "threads"),
    [
        ({"CPU_LIMIT": "3.5"}, {"cpu.max": "100000 100000"}, "3"),
        ({"CPU_LIMIT": "0.5"}, {}, "1"),
        ({}, {"cpu.max": "250000 100000"}, "2"),
        ({"CPU_LIMIT": "none"}, {"cpu.max": "400000 100000"}, "4"),
        ({}, {"cpu.max": "max 100000", "cpu/cpu.cfs_quota_us": "500000", "cpu/cpu.cfs_period_us": "100000"}, "5"),
        ({}, {"cpu,cpuacct/cpu.cfs_quota_us": "600000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, "6"),
        (
            {},
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
            str(len(os.sched_getaffinity(0))),
        ),
        ({}, {}, str(len(os.sched_getaffinity(0)))),
    ],
)
def test_threads_follow_the_limit_of_the_container(
    tmp_path: Path, given: Environ, files: dict[str, str], threads: str
) -> None:
    variables = environ(tmp_path, **given)
    for name, text in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{text}\n")

    found, _, _ = started(tmp_path, variables)

    assert {name: found[name] for name in THREAD_VARIABLES} == dict.fromkeys(THREAD_VARIABLES, threads)


def test_what_was_set_before_stays(tmp_path: Path) -> None:
    given = {"OMP_NUM_THREADS": "7", "NUMEXPR_NUM_THREADS": "9", "CPU_LIMIT": "2", "PYTHONUSERBASE": "/mine"}

    found, _, _ = started(tmp_path, environ(tmp_path, **given))

    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"]) == ("7", "2")
    assert (found["NUMEXPR_NUM_THREADS"], found["NUMEXPR_MAX_THREADS"]) == ("9", "9")
    assert found["PYTHONUSERBASE"] == "/mine"


def test_run_time_files_are_off_the_home_and_the_users_own(tmp_path: Path) -> None:
    found, _, said = started(tmp_path, environ(tmp_path))

    for variable in ("JUPYTER_RUNTIME_DIR", "XDG_RUNTIME_DIR"):
        directory = Path(found[variable])
        assert directory.is_relative_to(tmp_path / "tmp")
        assert directory.stat().st_mode & 0o777 == 0o700
    assert said == ""


def test_user_packages_belong_to_the_release_and_come_last_on_the_path(tmp_path: Path) -> None:
    found, _, _ = started(tmp_path, environ(tmp_path))

    base = tmp_path / "home/.local/genkan/pytorch-26.08-r1"
    assert found["PYTHONUSERBASE"] == str(base)
    assert found["PATH"].endswith(f":{base}/bin")


def test_the_skeleton_is_copied_once_and_overwrites_nothing(tmp_path: Path) -> None:
    given = environ(tmp_path)
    for name in ("one.txt", "two.txt", "three/four.txt"):
        file = tmp_path / "skeleton" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("ours")
    home = tmp_path / "home"
    (home / "one.txt").write_text("mine")

    started(tmp_path, given)
    (home / "two.txt").unlink()
    started(tmp_path, given)

    assert (home / "one.txt").read_text() == "mine"
    assert (home / "three/four.txt").read_text() == "ours"
    assert not (home / "two.txt").exists()


def test_a_link_that_leads_nowhere_is_the_users_own(tmp_path: Path) -> None:
    given = environ(tmp_path)
    (tmp_path / "skeleton/rc").write_text("ours")
    (tmp_path / "home/rc").symlink_to(tmp_path / "elsewhere")

    started(tmp_path, given)

    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_the_place_of_a_directory_is_told_and_tried_again(tmp_path: Path) -> None:
    given = environ(tmp_path)
    (tmp_path / "skeleton/.config").mkdir()
    (tmp_path / "skeleton/.config/rc").write_text("ours")
    (tmp_path / "home/.config").write_text("mine")

    assert "home/.config/rc could not be made: " in started(tmp_path, given)[2]
    (tmp_path / "home/.config").unlink()
    assert started(tmp_path, given)[2] == ""
    assert (tmp_path / "home/.config/rc").read_text() == "ours"


def test_a_home_that_is_missing_is_made(tmp_path: Path) -> None:
    given = environ(tmp_path, HOME=str(tmp_path / "new/home"))

    found, _, said = started(tmp_path, given)

    assert (found["HOME"], said) == (str(tmp_path / "new/home"), "")
    assert (tmp_path / "new/home").is_dir()


def test_a_server_without_a_usable_home_works_in_a_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    given = environ(tmp_path, HOME=str(tmp_path / "file/home"))

    found, _, said = started(tmp_path, given)

    assert Path(found["HOME"]).is_relative_to(tmp_path / "tmp")
    assert Path(found["HOME"]).is_dir()
    assert said == (
        f"genkan: Nothing can be saved in {tmp_path / 'file/home'}, so this server works in {found['HOME']}, "
        "which goes away with it.\n"
    )


def test_a_home_that_is_read_only_is_told(tmp_path: Path) -> None:
    """Nobody makes files in /proc, not even root."""
    found, _, said = started(tmp_path, environ(tmp_path, HOME="/proc"))

    assert "Nothing can be saved in /proc, so this server works in " in said
    assert Path(found["HOME"]).is_relative_to(tmp_path / "tmp")


def test_a_working_directory_that_is_gone_is_left_for_the_home(tmp_path: Path) -> None:
    given = environ(tmp_path)
    script = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m genkan_singleuser.start pwd"

    done = subprocess.run(["sh", "-c", script], env=given, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'home'}\n")


def test_a_working_directory_that_cannot_be_written_to_is_left_for_the_home(tmp_path: Path) -> None:
    """Not even root makes files in /proc."""
    done = run("start", "pwd", environ=environ(tmp_path), folder=Path("/proc/self/task"))

    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'home'}\n")


def test_a_working_directory_that_the_pod_asks_for_is_kept(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()

    assert run("start", "pwd", environ=environ(tmp_path), folder=tmp_path / "work").stdout == f"{tmp_path / 'work'}\n"


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    done = run("start", "no-such-program", environ=environ(tmp_path), folder=tmp_path)

    assert done.returncode == 127
    assert done.stderr == "genkan: no-such-program cannot be started: There is no such program in this image.\n"


def test_without_a_command_it_is_a_single_user_server(tmp_path: Path) -> None:
    server = tmp_path / "bin/jupyterhub-singleuser"
    server.parent.mkdir()
    server.write_text("#!/bin/sh\necho a server with $# arguments\n")
    server.chmod(0o755)

    done = run("start", environ=environ(tmp_path, PATH=f"{server.parent}:/usr/bin:/bin"), folder=tmp_path)

    assert done.stdout == "a server with 0 arguments\n"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """Programs on PATH that say how they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("genkan-start", "base-entrypoint"):
        (folder / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("base", "said", "warned"),
    [
        ("", "genkan-start jupyterhub-singleuser --debug\n", False),
        ("base-entrypoint", "base-entrypoint genkan-start jupyterhub-singleuser --debug\n", False),
        ("missing", "genkan-start jupyterhub-singleuser --debug\n", True),
    ],
)
def test_the_entrypoint_calls_the_bases_own_first(programs: Path, base: str, said: str, *, warned: bool) -> None:
    given = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "GENKAN_BASE_ENTRYPOINT": str(programs / base) if base else "",
        # Read by every bash that is not interactive, as in NVIDIA's images.
        "BASH_ENV": "/nonexistent",
    }

    done = subprocess.run(
        [CONTEXT / "bin/genkan-entrypoint", "jupyterhub-singleuser", "--debug"],
        env=given,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, said)
    assert bool(done.stderr) is warned
