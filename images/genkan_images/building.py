"""A build with buildah, from the plan of bake: for machines without Docker, and for bases that bake cannot know.

buildah of Debian 12 is what is written for: `runc`, since crun does not take control groups of both versions, and the
format of Docker, since OCI's has no SHELL.
"""

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .exceptions import ImagesError
from .files import read_text

STEP = re.compile(r'^ARG (STEP_[A-Z]+)=""\nRUN ((?:.*\\\n)*.*)$', re.MULTILINE)
"""A step of a Dockerfile whose files are mounted, with the argument that stands for their content."""

SOURCE = re.compile(r"\bsource=([^,\s]+)")
"""A file or directory of the context that a step has mounted."""

_VARIABLE = re.compile(r"\$\{([A-Z_]+)\}")
_BASE_NAME = "org.opencontainers.image.base.name"
_BASE_DIGEST = "org.opencontainers.image.base.digest"


@dataclass(frozen=True, slots=True)
class Build:
    """One image to build."""

    target: str
    context: Path
    dockerfile: Path
    tag: str
    args: Mapping[str, str]
    labels: Mapping[str, str]

    def on(self, base: str) -> "Build":
        """Return the same on another base, such as one that stands in for it."""
        labels = {name: value for name, value in self.labels.items() if name != _BASE_DIGEST} | {_BASE_NAME: base}
        return replace(self, args={**self.args, "BASE_IMAGE": base}, labels=labels)


def builds(plan: Mapping[str, Any], targets: Iterable[str], *, variables: Mapping[str, str]) -> tuple[Build, ...]:
    """Return the builds of targets, groups of bake's plan among them; raises ImagesError for a name that it has not.

    Variables that are not given are empty, as they are for bake.
    """
    names: dict[str, None] = {}
    for name in targets:
        if name in plan["group"]:
            names.update(dict.fromkeys(plan["group"][name]["targets"]))
        elif name in plan["target"]:
            names[name] = None
        else:
            known = ", ".join((*plan["group"], *plan["target"]))
            message = f"There is nothing to build that is called {name!r}; there are {known}."
            raise ImagesError(message)
    return tuple(_build(name, plan["target"][name], variables) for name in names)


def check_registries(build: Build) -> None:
    """Raise ImagesError if a registry is missing: a reference without one is no reference."""
    if build.tag.startswith("/"):
        message = f"Where {build.target} goes is not known; set REGISTRY, such as localhost/genkan."
        raise ImagesError(message)
    if build.args["BASE_IMAGE"].startswith("/"):
        message = (
            f"Where the base of {build.target} comes from is not known; "
            "set NVIDIA_REGISTRY or LIBRARY_REGISTRY, or name another base with --base."
        )
        raise ImagesError(message)


def buildah_command(build: Build, *, ca_bundle: Path | None = None, pull: bool = True) -> list[str]:
    """Return the command line; `ca_bundle` is there for the build alone, where a site inspects its traffic.

    Raises ImagesError if a file of the context cannot be read.
    """
    command = ["buildah", "build", "--layers", "--format", "docker", "--isolation", "oci"]
    command += ["--runtime", "/usr/sbin/runc", "--network", "host"]
    if not pull:
        command.append("--pull-never")
    if ca_bundle is not None:
        command += ["--secret", f"id=certificates,src={ca_bundle}"]
    for name, value in {**build.args, **step_digests(build)}.items():
        command += ["--build-arg", f"{name}={value}"]
    for name, value in build.labels.items():
        command += ["--label", f"{name}={value}"]
    return [*command, "--file", str(build.dockerfile), "--tag", build.tag, str(build.context)]


def step_digests(build: Build) -> dict[str, str]:
    """Return what stands for the content of the files that each step has mounted.

    buildah 1.28 takes a layer from its cache whatever has become of these files. Raises ImagesError.
    """
    return {
        argument: _content(build.context / source for source in SOURCE.findall(run))
        for argument, run in STEP.findall(read_text(build.dockerfile))
    }


def run_build(command: list[str]) -> None:
    """Run a build, with its own words on the terminal; raises ImagesError if it fails."""
    try:
        done = subprocess.run(command, check=False)
    except FileNotFoundError as error:
        message = f"{command[0]} is not installed. On Debian: apt-get install buildah runc"
        raise ImagesError(message) from error
    if done.returncode != 0:
        message = f"{command[0]} ended with status {done.returncode}; its own words are above."
        raise ImagesError(message)


def _content(paths: Iterable[Path]) -> str:
    """Return a digest of names, modes and bytes of files, and of all files below directories."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else (path,):
            if "__pycache__" in file.parts or file.is_dir():
                continue
            try:
                content, mode = file.read_bytes(), file.stat().st_mode
            except OSError as error:
                message = f"{file} cannot be read: {error.strerror}."
                raise ImagesError(message) from error
            name = file.relative_to(path.parent).as_posix()
            digest.update(f"{name} {mode:o} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:12]


def _build(name: str, target: Mapping[str, Any], variables: Mapping[str, str]) -> Build:
    context = Path(target["context"])
    labels = {label: _filled(value, variables) for label, value in target["labels"].items()}
    return Build(
        target=name,
        context=context,
        dockerfile=context / target["dockerfile"],
        tag=_filled(target["tags"][0], variables),
        args={arg: _filled(value, variables) for arg, value in target["args"].items()},
        labels={label: value for label, value in labels.items() if value},
    )


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables.get(match[1], ""), text)
