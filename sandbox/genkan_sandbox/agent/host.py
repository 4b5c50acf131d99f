"""What of the machine every container sees: its programs and this Python, and nothing of the sandbox or of a home.

Of /etc it sees only what programs need and anyone may read: a container's user is the user who runs the sandbox, and
where that is the machine's administrator no file's mode would protect the rest.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_PROGRAMS = ("bin", "lib", "lib32", "lib64", "libx32", "nix", "opt", "sbin", "usr")
_CONFIGURATION = (
    *("hosts", "resolv.conf", "nsswitch.conf", "host.conf", "gai.conf", "networks", "protocols", "services", "rpc"),
    *("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "static"),
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "ca-certificates*", "crypto-policies"),
    *("pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf"),
    *("localtime", "timezone", "locale.alias", "locale.conf", "os-release", "debian_version"),
    *("fonts", "mime.types", "magic*", "terminfo", "inputrc", "shells"),
    *("profile", "profile.d", "bash.bashrc", "bashrc", "bash_completion*"),
    *("jupyter", "ipython", "python3*", "R", "java*", "julia", "perl", "OpenCL"),
)
"""Of /etc, as patterns; `static` leads into the store on NixOS, `crypto-policies` belongs to OpenSSL on Fedora."""

_COMMANDS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class HostView:
    """What of the machine every container sees, read-only."""

    directories: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    """Target and path, as `/bin -> usr/bin`."""
    configuration: tuple[tuple[str, str], ...] = ()
    """Files and directories of /etc: where they are, links followed, and their paths."""
    hidden_directories: tuple[str, ...] = ()
    """Directories within the others that containers find empty, outer ones first."""
    interpreter: tuple[str, ...] = ()
    """This Python and its environment, which may live under a home or /tmp that containers do not see."""
    bubblewrap: str | None = None
    """The program; a container's PATH must not choose it."""

    @classmethod
    def read(cls, *, private: Iterable[Path] = (), root: Path = Path("/")) -> "HostView":
        """Look at the machine once; the `private` directories are hidden wherever containers would see them."""
        entries = [root / name for name in _PROGRAMS if os.path.lexists(root / name)]
        directories = tuple(f"/{entry.name}" for entry in entries if entry.is_dir() and not entry.is_symlink())
        links = tuple((str(entry.readlink()), f"/{entry.name}") for entry in entries if entry.is_symlink())
        configuration = _configuration(root)
        hidden = _hidden(private, directories=[*directories, *(path for _, path in configuration)])
        return cls(
            directories=directories,
            links=(*links, *_links(configuration, directories=directories)),
            configuration=tuple(found for found in configuration if not _within(found[0], directories)),
            hidden_directories=hidden,
            interpreter=_interpreter(directories=directories, hidden=hidden),
            bubblewrap=shutil.which("bwrap"),
        )

    @property
    def hidden_late(self) -> tuple[str, ...]:
        """Hidden directories that are within this Python's and so can only be hidden after it is there."""
        return tuple(path for path in self.hidden_directories if _below(path, self.interpreter))

    @property
    def hidden_early(self) -> tuple[str, ...]:
        """Hidden directories that are within the machine's own."""
        seen = [*self.directories, *(path for _, path in self.configuration)]
        return tuple(path for path in self.hidden_directories if _within(path, seen))


def private_directories(state: Path) -> tuple[Path, ...]:
    """Return what no container is to see but through a volume: a sandbox's state directory and the user's home.

    The home of a system account, which may be a directory of programs, is not among them.
    """
    with contextlib.suppress(RuntimeError):
        home = Path.home().resolve()
        shared = {Path(path).resolve() for path in ("/", *(f"/{name}" for name in _PROGRAMS), *_COMMANDS.split(":"))}
        if home not in shared:
            return state, home
    return (state,)


def search_path() -> str:
    """Return the PATH of containers: this Python's commands first."""
    return f"{sys.prefix}/bin:{_COMMANDS}"


def _configuration(root: Path) -> tuple[tuple[str, str], ...]:
    """Return what there is of the configuration: where links lead to, and the path."""
    found = sorted(
        path for pattern in _CONFIGURATION for path in (root / "etc").glob(pattern) if os.access(path, os.F_OK)
    )
    return tuple((os.path.realpath(path), f"/{path.relative_to(root)}") for path in found)


def _links(configuration: Iterable[tuple[str, str]], *, directories: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Return what of the configuration lies in directories that containers see: programs read zone names from links."""
    return ((target, path) for target, path in configuration if _within(target, directories))


def _hidden(private: Iterable[Path], *, directories: Sequence[str]) -> tuple[str, ...]:
    paths = sorted({os.path.realpath(path) for path in private if path.is_dir()}, key=_parts)
    return tuple(path for path in paths if _within(path, directories) or _below(path, _prefixes()))


def _interpreter(*, directories: Sequence[str], hidden: Sequence[str]) -> tuple[str, ...]:
    """Return what of this Python containers would not see otherwise, outer paths first."""
    found: list[str] = []
    for path in _prefixes():
        around = [other for other in (*directories, *hidden, *found) if _within(path, [other])]
        if not around or max(around, key=len) in hidden:
            found.append(path)
    return tuple(found)


def _prefixes() -> list[str]:
    named = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    return sorted(named | {os.path.realpath(path) for path in named}, key=_parts)


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(path).parts


def _within(path: str, others: Iterable[str]) -> bool:
    return any(path == other or path.startswith(f"{other.rstrip('/')}/") for other in others)


def _below(path: str, others: Iterable[str]) -> bool:
    return _within(path, (other for other in others if other != path))
