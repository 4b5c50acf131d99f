"""`genkan-start COMMAND ...`: make the surroundings that a server or a batch job needs, and become it.

It needs no right that a pod of a restricted namespace lacks: any user id, a read-only root, no network.
"""

import os
import pwd
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from .home import copy_skeleton, is_usable, temporary_directory
from .threads import CGROUP_ROOT, cpu_count, thread_variables

SKELETON = Path("/opt/genkan/skeleton")
HOME = "/home/jovyan"
COMMAND = ("jupyterhub-singleuser",)
NOT_FOUND = 127


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Replace this process by the command, or by a single-user server if there is none."""
    command = list(sys.argv[1:] if arguments is None else arguments) or list(COMMAND)
    environ = dict(os.environ)
    cgroups = Path(environ.pop("GENKAN_CGROUP_ROOT", CGROUP_ROOT))
    skeleton = Path(environ.get("GENKAN_SKELETON", SKELETON))
    changes, sentences = surroundings(environ, skeleton=skeleton, cgroup_root=cgroups)
    for sentence in sentences:
        print(f"genkan: {sentence}", file=sys.stderr, flush=True)  # noqa: T201  # the container's log
    environ.update(changes)
    _enter(Path(environ["HOME"]))
    try:
        os.execvpe(command[0], command, environ)  # noqa: S606  # the command of the container, without a shell
    except OSError as error:
        sys.exit(_unstartable(command[0], error))


def surroundings(
    environ: Mapping[str, str], *, skeleton: Path, cgroup_root: Path = CGROUP_ROOT
) -> tuple[dict[str, str], list[str]]:
    """Return the variables to set, and sentences about what is not as it should be; makes the directories they name."""
    changes: dict[str, str] = {}
    sentences: list[str] = []
    temporary = temporary_directory(environ)
    home = Path(environ.get("HOME") or HOME)
    # A container whose user id has no name is given / as its home.
    if home == Path("/"):
        home = Path(HOME)
    if is_usable(home):
        sentences += copy_skeleton(skeleton, home)
    elif temporary is not None:
        lost = temporary / "home"
        lost.mkdir()
        copy_skeleton(skeleton, lost)
        sentences.append(f"Nothing can be saved in {home}, so this server works in {lost}, which goes away with it.")
        home = lost
    else:
        sentences.append(f"Nothing can be saved in {home}, nor anywhere else in this container.")
    changes["HOME"] = str(home)
    if temporary is not None:
        changes |= _run_time_directories(environ, temporary)
    changes |= _user_packages(environ, home)
    changes |= _names(environ)
    changes |= thread_variables(environ, cores=cpu_count(environ, cgroup_root=cgroup_root))
    return changes, sentences


def _run_time_directories(environ: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """Keep sockets and connection files off the home, which other servers of the user share."""
    found = {}
    for variable, name in (("JUPYTER_RUNTIME_DIR", "jupyter"), ("XDG_RUNTIME_DIR", "run")):
        if not environ.get(variable):
            (temporary / name).mkdir(mode=0o700)
            found[variable] = str(temporary / name)
    return found


def _user_packages(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """Give `pip install --user` a place for each release of an image: what is built for one breaks the next.

    Its programs come last on PATH, so that none of them takes the place of the image's.
    """
    base = environ.get("PYTHONUSERBASE") or str(home / ".local/genkan" / (environ.get("GENKAN_IMAGE") or "unnamed"))
    path = environ.get("PATH") or os.defpath
    return {"PYTHONUSERBASE": base, "PATH": f"{path}:{base}/bin"}


def _names(environ: Mapping[str, str]) -> dict[str, str]:
    """Name the user where the user id has no name, as with an id that the cluster has chosen."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = environ.get("JUPYTERHUB_USER") or "jovyan"
    return {variable: name for variable in ("USER", "LOGNAME") if not environ.get(variable)}


def _enter(home: Path) -> None:
    """Work in the home, unless the pod asks for another directory that can be written to.

    The image's own working directory is no such wish: it is where homes usually are.
    """
    try:
        here = Path.cwd()
        stays = here != Path(HOME) and is_usable(here)
    except OSError:
        stays = False
    if not stays and home.is_dir():
        os.chdir(home)


def _unstartable(command: str, error: OSError) -> int:
    reason = "There is no such program in this image" if isinstance(error, FileNotFoundError) else error.strerror
    print(f"genkan: {command} cannot be started: {reason}.", file=sys.stderr)  # noqa: T201
    return NOT_FOUND


if __name__ == "__main__":
    main()
