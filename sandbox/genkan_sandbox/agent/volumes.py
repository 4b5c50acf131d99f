"""A pod's volumes as directories of the machine.

What is behind a claim outlives every pod. Everything else a pod has is made under `pods/UID` and goes with the pod.
"""

import asyncio
import base64
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from genkan_sandbox.agent.fields import FieldError, Place, field, resource_field
from genkan_sandbox.agent.mounts import MountedVolume, make_directory
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.persistent import MountError, NotAttachedError, PersistentVolumes
from genkan_sandbox.agent.records import project_pod
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import CONFIG_MAPS, SECRETS, SERVICE_ACCOUNTS

_DEFAULT_MODE = 0o644
_PRIVATE, _READABLE = 0o700, 0o755
_READ_ONLY_KINDS = ("secret", "configMap", "projected", "downwardAPI")
_TOKEN_SECONDS = 24 * 3600


class VolumeStore:
    """Makes and removes the directories of pods' volumes in a sandbox's state directory."""

    def __init__(self, api: KubernetesApi, state: Path, *, persistent: PersistentVolumes) -> None:
        self.persistent = persistent
        self._api = api
        self._pods = state / "pods"

    def directory(self, uid: str) -> Path:
        """Return the private directory of a pod, made where there is none."""
        directory = self._pods / uid
        directory.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        return directory

    def remove(self, uid: str) -> None:
        """Remove what a pod had for itself alone; claims are not under its directory."""
        shutil.rmtree(self._pods / uid, ignore_errors=True)

    def remove_others(self, uids: Iterable[str]) -> None:
        """Remove the directories of pods that are no more."""
        if not self._pods.is_dir():
            return
        for gone in {entry.name for entry in self._pods.iterdir()} - set(uids):
            self.remove(gone)

    async def mount(self, pod: JsonObject, volume: JsonObject, *, place: Place) -> MountedVolume:
        """Return one volume, made and filled.

        Raises
        ------
        MountError
            if it cannot be had now.
        NotAttachedError
            if it is a disk that did not come to the node in time.
        """
        try:
            if claim := volume.get("persistentVolumeClaim"):
                found = await self.persistent.mount(project_pod(pod), claim["claimName"])
                read_only = found.read_only or bool(claim.get("readOnly"))
                return replace(found, read_only=read_only, claim=claim["claimName"])
            directory = await self._made(pod, volume, place=place)
        except KubernetesError as e:
            raise MountError(e.message) from e
        except OSError as e:
            raise MountError(f"{e.strerror or e}") from e
        return MountedVolume(directory, read_only=any(kind in volume for kind in _READ_ONLY_KINDS), takes_group=True)

    async def mount_all(self, pod: JsonObject, *, place: Place) -> Mapping[str, MountedVolume]:
        """Mount a pod's volumes, by name; the first that cannot be had is a MountError in the words of an event."""
        mounted: dict[str, MountedVolume] = {}
        volumes = pod["spec"].get("volumes") or []
        for volume in volumes:
            name = volume["name"]
            try:
                mounted[name] = await self.mount(pod, volume, place=place)
                await asyncio.to_thread(self._open_to_group, pod, mounted[name])
            except NotAttachedError as e:
                missing = " ".join(one["name"] for one in volumes if one["name"] not in mounted)
                message = (
                    f"Unable to attach or mount volumes: unmounted volumes=[{missing}], unattached volumes=[], "
                    "failed to process volumes=[]: context deadline exceeded"
                )
                raise MountError(message) from e
            except MountError as e:
                raise MountError(f'MountVolume.SetUp failed for volume "{e.volume or name}" : {e}') from e
        return mounted

    def _open_to_group(self, pod: JsonObject, volume: MountedVolume) -> None:
        security = pod["spec"].get("securityContext") or {}
        if volume.takes_group and "fsGroup" in security:
            self.persistent.owners.apply_group(
                volume.path,
                security["fsGroup"],
                read_only=volume.read_only,
                unless_root_matches=security.get("fsGroupChangePolicy") == "OnRootMismatch",
            )

    async def _made(self, pod: JsonObject, volume: JsonObject, *, place: Place) -> Path:
        directory = self.directory(pod["metadata"]["uid"]) / "volumes" / str(volume["name"])
        if "emptyDir" in volume:
            if not directory.is_dir():
                make_directory(directory)
                self.persistent.owners.give(directory, uid=0, gid=0)
            return directory
        source = next((kind for kind in _READ_ONLY_KINDS if kind in volume), None)
        if source is None:
            kind = next((key for key in volume if key != "name"), "unknown")
            raise MountError(f"the sandbox has no volumes of kind {kind}, only claims, {', '.join(_READ_ONLY_KINDS)}")
        sources = volume["projected"].get("sources") or [] if source == "projected" else [{source: volume[source]}]
        files: dict[str, tuple[bytes, int]] = {}
        mode = volume[source].get("defaultMode", _DEFAULT_MODE)
        for entry in sources:
            files.update(await self._files(pod, entry, mode=mode, place=place))
        _write(directory, files, owners=self.persistent.owners)
        return directory

    async def _files(
        self, pod: JsonObject, source: JsonObject, *, mode: int, place: Place
    ) -> dict[str, tuple[bytes, int]]:
        if secret := source.get("secret"):
            name = secret.get("secretName") or secret.get("name", "")
            data = await self._data(pod, "secret", name, optional=bool(secret.get("optional")))
            return _chosen(data, secret, kind="secret", mode=mode)
        if config_map := source.get("configMap"):
            name = config_map.get("name", "")
            data = await self._data(pod, "configmap", name, optional=bool(config_map.get("optional")))
            return _chosen(data, config_map, kind="config", mode=mode)
        if downward := source.get("downwardAPI"):
            return dict(_downward(pod, item, mode=mode, place=place) for item in downward.get("items") or [])
        if token := source.get("serviceAccountToken"):
            return {token["path"]: (await self._token(pod, token), mode)}
        raise MountError(f"the sandbox cannot project {', '.join(source) or 'nothing'}")

    async def _data(self, pod: JsonObject, kind: str, name: str, *, optional: bool) -> dict[str, bytes] | None:
        try:
            namespace = pod["metadata"]["namespace"]
            found = await self._api.get(SECRETS if kind == "secret" else CONFIG_MAPS, name, namespace=namespace)
        except NotFoundError as e:
            if optional:
                return None
            raise MountError(f'{kind} "{name}" not found') from e
        return secret_data(found) if kind == "secret" else config_map_data(found)

    async def _token(self, pod: JsonObject, source: JsonObject) -> bytes:
        metadata = pod["metadata"]
        account = pod["spec"].get("serviceAccountName") or "default"
        reference = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
        spec: JsonObject = {"expirationSeconds": _TOKEN_SECONDS, "boundObjectRef": reference}
        if source.get("audience"):
            spec["audiences"] = [source["audience"]]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = SERVICE_ACCOUNTS.path(namespace=metadata["namespace"], name=account, subresource="token")
        answer = await self._api.request("POST", path, body=body)
        return str(answer["status"]["token"]).encode()


def secret_data(secret: JsonObject) -> dict[str, bytes]:
    """Decode a Secret's values."""
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def config_map_data(config_map: JsonObject) -> dict[str, bytes]:
    """Return a ConfigMap's values, text and binary."""
    text = {key: value.encode() for key, value in (config_map.get("data") or {}).items()}
    binary = {key: base64.b64decode(value) for key, value in (config_map.get("binaryData") or {}).items()}
    return {**text, **binary}


def _chosen(
    data: Mapping[str, bytes] | None, source: JsonObject, *, kind: str, mode: int
) -> dict[str, tuple[bytes, int]]:
    """Pick the keys that a volume asks for; all of them where it names none."""
    items = source.get("items")
    if not items or data is None:
        return {key: (value, mode) for key, value in (data or {}).items()}
    missing = [item["key"] for item in items if item["key"] not in data]
    if missing and not source.get("optional"):
        words = (
            "configmap references non-existent config key" if kind == "config" else "references non-existent secret key"
        )
        raise MountError(f"{words}: {missing[0]}")
    return {item["path"]: (data[item["key"]], item.get("mode", mode)) for item in items if item["key"] in data}


def _downward(pod: JsonObject, item: JsonObject, *, mode: int, place: Place) -> tuple[str, tuple[bytes, int]]:
    try:
        if reference := item.get("fieldRef"):
            value = field(pod, reference["fieldPath"], place=place)
        else:
            reference = item.get("resourceFieldRef") or {}
            named = (one for one in pod["spec"]["containers"] if one["name"] == reference.get("containerName"))
            value = resource_field(next(named, {}), reference, place=place)
    except (FieldError, KeyError) as e:
        raise MountError(str(e)) from e
    return item["path"], (value.encode(), item.get("mode", mode))


def _write(directory: Path, files: Mapping[str, tuple[bytes, int]], *, owners: Owners) -> None:
    """Fill a fresh directory; names come from objects of the API and must not lead out of it."""
    shutil.rmtree(directory, ignore_errors=True)
    make_directory(directory, _READABLE)
    for name, (content, mode) in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise MountError(f"invalid path {name!r}")
        target = directory / path
        for folder in reversed([parent for parent in target.parents if parent.is_relative_to(directory)]):
            make_directory(folder, _READABLE)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(descriptor, mode & 0o777)
        owners.give(target, uid=0, gid=0)
