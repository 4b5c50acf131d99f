"""Containers of a built image, run by runc as a kubelet has them run: no capabilities, no new privileges, any user."""

import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Json = dict[str, Any]

# What containerd gives where an image says nothing.
_PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
_HIDDEN = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys/firmware")
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pod gives to a container."""

    user: str = "1000:100"
    environ: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Path] = field(default_factory=dict)
    """Directories of this machine, by where they are in the container."""
    memory_volumes: Sequence[str] = ()
    """Empty directories in memory."""
    read_only: bool = False
    cpus: float | None = None


@dataclass(frozen=True, slots=True)
class UnpackedImage:
    """An image whose files lie ready; what is written into them is seen by all of its containers."""

    container: str
    """Buildah's name for it."""
    root: Path
    config: Json
    folder: Path
    """For bundles, and for what runc remembers."""

    @property
    def entrypoint(self) -> list[str]:
        return list(self.config.get("Entrypoint") or ())

    def command(self, arguments: Sequence[str], surroundings: Surroundings = Surroundings()) -> list[str]:
        """Return the command line that runs a container of it in the foreground."""
        name = f"genkan-{uuid.uuid4().hex[:12]}"
        bundle = self.folder / name
        bundle.mkdir(parents=True)
        (bundle / "config.json").write_text(json.dumps(self._specification(arguments, surroundings)))
        return ["runc", "--root", str(self.folder / "runc"), "run", "--bundle", str(bundle), name]

    def run(
        self,
        *arguments: str,
        entrypoint: bool = False,
        surroundings: Surroundings = Surroundings(),
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        command = self.command([*(self.entrypoint if entrypoint else ()), *arguments], surroundings)
        return subprocess.run(command, check=False, capture_output=True, encoding="utf-8", errors="replace")

    def output(self, *arguments: str, entrypoint: bool = False, surroundings: Surroundings = Surroundings()) -> str:
        """Return what a program prints that has to succeed."""
        done = self.run(*arguments, entrypoint=entrypoint, surroundings=surroundings)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _specification(self, arguments: Sequence[str], surroundings: Surroundings) -> Json:
        uid, _, gid = surroundings.user.partition(":")
        image = dict(entry.split("=", 1) for entry in self.config.get("Env") or ())
        given = _PATH | image | dict(surroundings.environ)
        return {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": {"uid": int(uid), "gid": int(gid or 0)},
                "args": list(arguments),
                "env": [f"{name}={value}" for name, value in given.items()],
                "cwd": self.config.get("WorkingDir") or "/",
                "capabilities": {},
                "noNewPrivileges": True,
            },
            "root": {"path": str(self.root), "readonly": surroundings.read_only},
            "hostname": "pod",
            "mounts": [*_mounts(), *_volumes(surroundings)],
            "linux": {
                "resources": _resources(surroundings.cpus),
                # Without a network of its own a container has that of the tests; `make images` makes it an empty one.
                "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")],
                "maskedPaths": list(_HIDDEN),
                "readonlyPaths": list(_READ_ONLY),
            },
        }


@contextmanager
def unpacked(image: str, folder: Path) -> Iterator[UnpackedImage]:
    """Lay the files of an image out, to be read and written; raises CalledProcessError."""
    container = _buildah("from", "--pull-never", image)
    try:
        root = Path(_buildah("mount", container))
        told = json.loads(_buildah("inspect", container))
        yield UnpackedImage(container, root, told["OCIv1"]["config"], folder)
    finally:
        _buildah("rm", container)


@contextmanager
def running(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a container, and end it by force where it still runs."""
    state, name = command[2], command[-1]
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as process:
        try:
            yield process
        finally:
            with suppress(subprocess.CalledProcessError):
                subprocess.run(["runc", "--root", state, "delete", "--force", name], check=True, capture_output=True)
            process.kill()


def _buildah(*arguments: str) -> str:
    return subprocess.run(["buildah", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def _resources(cpus: float | None) -> Json:
    resources: Json = {"devices": [{"allow": False, "access": "rwm"}]}
    if cpus is not None:
        resources["cpu"] = {"period": 100_000, "quota": round(cpus * 100_000)}
    return resources


def _mounts() -> list[Json]:
    safe = ["nosuid", "noexec", "nodev"]

    def mount(place: str, kind: str, *options: str) -> Json:
        return {"destination": place, "type": kind, "source": kind, "options": list(options)}

    return [
        mount("/proc", "proc"),
        mount("/dev", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
        mount("/dev/pts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"),
        mount("/dev/shm", "tmpfs", *safe, "mode=1777", "size=65536k"),  # noqa: S108  # the container's
        mount("/dev/mqueue", "mqueue", *safe),
        mount("/sys", "sysfs", *safe, "ro"),
        mount("/sys/fs/cgroup", "cgroup", *safe, "relatime", "ro"),
        {"destination": "/etc/hosts", "type": "bind", "source": "/etc/hosts", "options": ["rbind", "ro"]},
    ]


def _volumes(surroundings: Surroundings) -> Iterator[Json]:
    for place, folder in surroundings.volumes.items():
        yield {"destination": place, "type": "bind", "source": str(folder), "options": ["rbind", "rw"]}
    for place in surroundings.memory_volumes:
        yield {"destination": place, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777"]}
