"""The exports of the site's file server, as directories of the sandbox's state.

They are declared in a ConfigMap, JSON by name, and reached by static persistent volumes of kind nfs whose server is
`SERVER` and whose path is `/NAME`.
"""

import errno
import logging
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from genkan_sandbox.agent.ownership import Owners
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import CONFIG_MAPS
from genkan_spawner.watching import Changed, ChangeType, Listed, Watch

NAMESPACE, CONFIG_MAP = "kube-system", "genkan-sandbox-exports"
"""Where exports are declared."""

SERVER = "storage.sandbox.genkan.dev"
"""The name of the site's file server."""

log = logging.getLogger(__name__)

Mode = Annotated[str, Field(pattern=r"^[0-7]{3,4}$")]
"""Rights as in `chmod`, for example "1771"."""

FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]


class ExportRules(BaseModel):
    """What the file server knows of one export."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root_squash: bool = True
    """Whether the machines' administrators, the kubelet among them, are nobody on it."""
    mode: Mode = "755"
    """Of the export itself when it is made."""
    gid: int = Field(default=0, ge=0, lt=65_534)
    """The group of the export itself and of its folders when they are made; the owner is root."""
    folders: dict[FolderName, Mode] = Field(default_factory=dict)
    """Folders that are made in it, with their rights."""


class ExportError(Exception):
    """An export that cannot be mounted; the text is mount.nfs's."""


class ExportBoard:
    """The exports that there are; `run` never returns."""

    def __init__(self, api: KubernetesApi, root: Path, *, owners: Owners) -> None:
        self._api = api
        self._root = root
        self._owners = owners
        self._rules: dict[str, ExportRules] = {}

    async def run(self) -> None:
        """Follow the declarations, and make the directories of what is new."""
        watch = Watch(
            self._api,
            CONFIG_MAPS,
            project=lambda raw: dict(raw.get("data") or {}),
            namespace=NAMESPACE,
            field_selector=f"metadata.name={CONFIG_MAP}",
        )
        async for event in watch.events():
            match event:
                case Listed(items=items):
                    self.post(items[0] if items else {})
                case Changed(type=change, item=data):
                    self.post({} if change is ChangeType.DELETED else data)

    def post(self, data: Mapping[str, str]) -> None:
        """Declare these exports instead of those before; data of one that is gone stays."""
        self._rules = {}
        for name, text in sorted(data.items()):
            try:
                rules = ExportRules.model_validate_json(text)
                self._make(name, rules)
            except ValidationError as e:
                log.warning("The export %s is not valid and ignored: %s", name, e.errors()[0]["msg"])
            except OSError as e:
                log.warning("The export %s could not be made and is ignored: %s", name, e.strerror)
            else:
                self._rules[name] = rules

    def find(self, source: JsonObject) -> tuple[str, ExportRules, Path]:
        """Return name, rules and directory of what a volume of kind nfs names.

        Raises ExportError where the server has no such thing.
        """
        server, path = str(source.get("server")), str(source.get("path"))
        if server != SERVER:
            raise ExportError(f"mount.nfs: Failed to resolve server {server}: Name or service not known")
        parts = PurePosixPath(path).parts[1:]
        missing = ExportError(
            f"mount.nfs: mounting {server}:{path} failed, reason given by server: No such file or directory"
        )
        if not parts or ".." in parts or parts[0] not in self._rules:
            raise missing
        top = self._root / parts[0]
        directory = top.joinpath(*parts[1:]).resolve()
        if not directory.is_relative_to(top.resolve()) or not directory.is_dir():
            raise missing
        return parts[0], self._rules[parts[0]], directory

    def _make(self, name: str, rules: ExportRules) -> None:
        """Make what is missing; rights that an administrator gave to what is there stay."""
        if set(name) <= {"."} or "/" in name:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        directory = self._root / name
        adopted = directory.is_dir() and self._owners.adopt(directory)
        for made, mode in {directory: rules.mode, **{directory / k: v for k, v in rules.folders.items()}}.items():
            new = not made.is_dir()
            if new:
                made.mkdir(mode=0o700, parents=True)
            if new or adopted:
                self._owners.give(made, uid=0, gid=rules.gid)
                made.chmod(int(mode, 8))
