"""From a container of a pod to the process that is started for it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

from genkan_sandbox.agent.devices import VISIBLE, visible_devices
from genkan_sandbox.agent.environment import (
    ConfigurationError,
    SourceKind,
    Sources,
    container_environment,
    declared_environment,
    expand,
    references,
)
from genkan_sandbox.agent.fields import Place
from genkan_sandbox.agent.host import search_path
from genkan_sandbox.agent.leftovers import CONTAINER_VARIABLE, SANDBOX_VARIABLE
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.mounts import Bind, MountedVolume, binds, make_directory
from genkan_sandbox.agent.ownership import GROUP, USER
from genkan_sandbox.agent.processes import Launch
from genkan_sandbox.agent.records import Devices, PodRecord
from genkan_sandbox.agent.sandboxing import HOME, Isolation, Jail, bubblewrap_command, loaders
from genkan_sandbox.agent.termination import termination_bind
from genkan_sandbox.agent.volumes import config_map_data, secret_data
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import CONFIG_MAPS, SECRETS

DEFAULT_COMMAND = ("jupyterhub-singleuser",)
"""What images of single-user servers start when the pod names no command."""

_SERVERS = frozenset({"jupyterhub-singleuser", "jupyter-labhub", "jupyter-lab"})
_HOSTNAME_LENGTH = 63


@dataclass(frozen=True, slots=True)
class PodContext:
    """One pod while its containers are made."""

    record: PodRecord
    raw: JsonObject
    place: Place
    mounted: Mapping[str, MountedVolume]
    """Its volumes by name."""
    devices: Mapping[str, Devices]
    """By container."""


async def prepare(machine: Machine, pod: PodContext, container: JsonObject) -> Launch:
    """Return what a container is started from.

    Raises
    ------
    ConfigurationError
        in the kubelet's words, for a pod that refers to what is not there.
    """
    sources = await _sources(machine, pod, container)
    declared = declared_environment(pod.raw, container, sources=sources, place=pod.place)
    defaults = _defaults(pod, container)
    environment = {
        **container_environment(declared, defaults=defaults, pod_address=pod.place.pod_address),
        SANDBOX_VARIABLE: machine.sandbox,
        CONTAINER_VARIABLE: f"{pod.record.uid}/{container['name']}",
    }
    mounts = _filled(machine, pod, binds(container, pod.mounted, variables=declared, owners=machine.owners))
    mounts += (termination_bind(machine.volumes.directory(pod.record.uid), container),)
    words = [*(container.get("command") or []), *(container.get("args") or [])]
    command = [expand(word, declared) for word in words] or list(DEFAULT_COMMAND)
    log = machine.log_file(
        namespace=pod.record.namespace, pod=pod.record.name, uid=pod.record.uid, container=container["name"]
    )
    match machine.isolation:
        case Isolation.BUBBLEWRAP:
            jail = _jail(machine, pod, container, mounts=mounts, environment=environment)
            return Launch(
                log=log,
                environment={name: value for name, value in environment.items() if name not in jail.variables},
                jailed=partial(bubblewrap_command, command, jail=jail, host=machine.host),
                open_files=machine.open_files,
                namespace=machine.owners.namespace,
                owner=machine.owners.machine_id(jail.user) if machine.owners.separate else None,
            )
        case Isolation.NONE:
            return _plain(machine, pod, mounts, Launch(log=log, environment=environment, command=command))


def _filled(machine: Machine, pod: PodContext, mounts: tuple[Bind, ...]) -> tuple[Bind, ...]:
    """Mark the mounts of volumes that are full by a fault."""
    claims = {name: volume.claim for name, volume in pod.mounted.items()}
    full = {name for name, claim in claims.items() if machine.faults.full(pod.record, name, claim)}
    return tuple(replace(bind, full=bind.volume in full) for bind in mounts)


async def _sources(machine: Machine, pod: PodContext, container: JsonObject) -> Sources:
    found: dict[tuple[SourceKind, str], Mapping[str, str] | None] = {}
    for kind, name in set(references(container)):
        try:
            raw = await machine.api.get(
                SECRETS if kind is SourceKind.SECRET else CONFIG_MAPS, name, namespace=pod.record.namespace
            )
        except NotFoundError:
            found[kind, name] = None
            continue
        except KubernetesError as e:
            raise ConfigurationError(e.message) from e
        data = secret_data(raw) if kind is SourceKind.SECRET else config_map_data(raw)
        found[kind, name] = {key: os.fsdecode(value) for key, value in data.items()}
    return Sources(found)


def _defaults(pod: PodContext, container: JsonObject) -> dict[str, str]:
    defaults = {
        "PATH": search_path(),
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "HOSTNAME": _hostname(pod.raw),
    }
    devices = visible_devices(pod.devices.get(container["name"], ()))
    return defaults if devices is None else {**defaults, VISIBLE: devices}


def _hostname(raw: JsonObject) -> str:
    name: str = raw["spec"].get("hostname") or raw["metadata"]["name"]
    return name[:_HOSTNAME_LENGTH].rstrip("-.")


def _jail(
    machine: Machine,
    pod: PodContext,
    container: JsonObject,
    *,
    mounts: tuple[Bind, ...],
    environment: Mapping[str, str],
) -> Jail:
    of_pod, own = pod.raw["spec"].get("securityContext") or {}, container.get("securityContext") or {}
    user = own.get("runAsUser", of_pod.get("runAsUser", USER))
    group = own.get("runAsGroup", of_pod.get("runAsGroup", of_pod.get("fsGroup", GROUP)))
    beside = [*([of_pod["fsGroup"]] if "fsGroup" in of_pod else []), *(of_pod.get("supplementalGroups") or [])]
    home = environment["HOME"] if environment["HOME"].startswith("/") else HOME
    return Jail(
        hostname=_hostname(pod.raw),
        working_directory=container.get("workingDir") or home,
        user=user,
        group=group,
        binds=mounts,
        home=home,
        accounts=_accounts(machine, pod, user=user, group=group, home=home),
        groups=tuple(dict.fromkeys(beside)),
        owners=machine.owners,
        variables=loaders(environment) if machine.owners.separate else {},
    )


def _accounts(machine: Machine, pod: PodContext, *, user: int, group: int, home: str) -> tuple[Bind, ...]:
    """Write the container's /etc/passwd and /etc/group, so that its user has a name as in Jupyter's images."""
    if "\n" in home or ":" in home:
        return ()
    name = "jovyan" if user else "root"
    directory = machine.volumes.directory(pod.record.uid)
    nobody = "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin"
    root = "root:x:0:0:root:/root:/bin/bash"
    texts = {
        "passwd": [*([root] if user else []), f"{name}:x:{user}:{group}:{name}:{home}:/bin/bash", nobody],
        "group": [*(["root:x:0:"] if group else []), f"{'users' if group else 'root'}:x:{group}:", "nogroup:x:65534:"],
    }
    found: list[Bind] = []
    for file, lines in texts.items():
        path = directory / f"{file}-{user}-{group}"
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o644)
        if Path("/etc", file).is_file():
            found.append(Bind(path, f"/etc/{file}", read_only=True))
    return tuple(found)


def _plain(machine: Machine, pod: PodContext, mounts: tuple[Bind, ...], launch: Launch) -> Launch:
    """Return a launch on the machine itself: paths of mounts become those of their directories.

    A server that is started as the machine's administrator, as the container's ordinary user would not be, is told
    that this is meant.
    """
    home = _plain_home(machine, pod, mounts, home=launch.environment["HOME"])
    command = [_plain_path(word, mounts) for word in launch.command]
    server = PurePosixPath(command[0]).name in _SERVERS
    return Launch(
        log=launch.log,
        environment={
            **{name: _plain_path(value, mounts) for name, value in launch.environment.items()},
            "HOME": str(home),
        },
        command=[*command, "--allow-root"] if server and os.geteuid() == 0 else command,
        directory=home,
        open_files=machine.open_files,
    )


def _plain_path(text: str, mounts: tuple[Bind, ...]) -> str:
    """Return the machine's path for a text that is a path in a mount, and any other text as it is."""
    for bind in reversed(mounts):
        if text == bind.target or text.startswith(bind.target.rstrip("/") + "/"):
            return f"{bind.source}{text.removeprefix(bind.target.rstrip('/'))}"
    return text


def _plain_home(machine: Machine, pod: PodContext, mounts: tuple[Bind, ...], *, home: str) -> Path:
    """Return the directory of the volume that the home is in, else one that goes with the pod."""
    found = Path(_plain_path(home, mounts))
    if str(found) != home and ".." not in found.parts:
        make_directory(found)
        return found
    directory = machine.volumes.directory(pod.record.uid) / "home"
    make_directory(directory)
    return directory
