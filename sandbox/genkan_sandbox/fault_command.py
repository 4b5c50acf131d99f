"""`genkan-sandbox fault`: make something go wrong in a running sandbox, and mend it again."""

import asyncio
from pathlib import Path

from pydantic import ValidationError

from genkan_sandbox.agent.faults import CONFIG_MAP, NAMESPACE, FaultKind, fault_entry
from genkan_sandbox.exceptions import OptionError, StateError
from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import CONFIG_MAPS


def add_fault(kubeconfig: Path, kind: FaultKind, match: list[str]) -> str:
    """Add a fault from `FIELD=PATTERN` words and return its key."""
    pairs = {field: pattern for field, _, pattern in (word.partition("=") for word in match)}
    try:
        entry = fault_entry(kind, **pairs)
    except ValidationError as e:
        problems = "; ".join(f"{'.'.join(map(str, row['loc'][1:])) or 'fault'}: {row['msg']}" for row in e.errors())
        raise OptionError(f"That is no {kind} fault ({problems}).") from e
    _run(kubeconfig, dict(entry))
    return next(iter(entry))


def list_faults(kubeconfig: Path) -> dict[str, str]:
    """Return the faults there are, by key."""
    return _run(kubeconfig, {})


def clear_faults(kubeconfig: Path) -> int:
    """End all faults and return how many there were."""
    keys = list_faults(kubeconfig)
    _run(kubeconfig, dict.fromkeys(keys))
    return len(keys)


def _run(kubeconfig: Path, changes: dict[str, str | None]) -> dict[str, str]:
    try:
        return asyncio.run(_change(kubeconfig, changes))
    except KubernetesError as e:
        raise StateError(e.message, mend="Is the sandbox running? `genkan-sandbox status` tells.") from e


async def _change(kubeconfig: Path, changes: dict[str, str | None]) -> dict[str, str]:
    """Merge changes into the ConfigMap, which is made with the first fault; None removes a key."""
    metadata = {"name": CONFIG_MAP, "namespace": NAMESPACE}
    async with await KubernetesApi.connect(kubeconfig) as api:
        try:
            found = await api.patch(
                CONFIG_MAPS, CONFIG_MAP, {"data": changes}, namespace=NAMESPACE, patch_type=PatchType.MERGE
            )
        except NotFoundError:
            manifest: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": changes}
            found = await api.create(CONFIG_MAPS, manifest, namespace=NAMESPACE)
    return found.get("data") or {}
