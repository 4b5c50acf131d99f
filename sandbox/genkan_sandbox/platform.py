"""What a site's own chart gives the hub, read from what Helm printed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from genkan_sandbox.control_plane.access import HUB_ACCOUNT
from genkan_sandbox.exceptions import PlatformError
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import KINDS

_FIRST = ("Namespace", "PriorityClass", "ServiceAccount")
"""Kinds that others of the same file ask for, as Helm orders them."""

_MEND = "Write the file with `helm template genkan-platform helm-values/genkan-platform --namespace NAMESPACE ...`."


def load_platform(path: Path, *, namespace: str) -> tuple[JsonObject, ...]:
    """Read the objects in a file, in the order of need; `namespace` is the hub's. Raises PlatformError."""
    try:
        documents = list(yaml.safe_load_all(path.read_text()))
    except OSError as e:
        raise PlatformError(f"{path}: {e.strerror}.", mend=_MEND) from e
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise PlatformError(f"{path}: This is no YAML.", mend=_MEND) from e
    found = [manifest for number, document in enumerate(documents) for manifest in _objects(path, number, document)]
    accounts = {
        (one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found if one["kind"] == "ServiceAccount"
    }
    if (namespace, HUB_ACCOUNT) not in accounts:
        raise PlatformError(
            f"{path}: There is no ServiceAccount {HUB_ACCOUNT} in the namespace {namespace}, that of this site's hub.",
            mend=_MEND,
        )
    return tuple(sorted(found, key=_rank))


def _objects(path: Path, number: int, document: Any) -> Iterator[JsonObject]:
    if document is None:
        return
    match document:
        case {"apiVersion": str(), "kind": str(kind), "metadata": {"name": str()}} if kind in KINDS:
            yield document
        case {"kind": str(kind), "metadata": {"name": str()}}:
            raise PlatformError(f"{path}: The sandbox knows no objects of kind {kind}.")
        case _:
            raise PlatformError(f"{path}: Document {number + 1} is no object of Kubernetes.", mend=_MEND)


def _rank(manifest: JsonObject) -> int:
    kind = manifest["kind"]
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
