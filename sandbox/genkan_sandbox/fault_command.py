"""`genkan-sandbox fault`: make something go wrong in a running sandbox, and mend it again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from genkan_sandbox.agent.faults import CONFIG_MAP, NAMESPACE, FaultKind, fault_entry
from genkan_sandbox.exceptions import OptionError, StateError
from genkan_spawner.api import KubernetesApi, PatchType
from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import CONFIG_MAPS

Faults = dict[str, str]
"""Faults as they are written, by key."""


def add_fault(kubeconfig: Path, kind: FaultKind, match: list[str]) -> str:
    """Add a fault from `FIELD=PATTERN` words and return its key."""
    try:
        entry = fault_entry(kind, **_pairs(match))
    except ValidationError as e:
        problems = "; ".join(f"{'.'.join(map(str, row['loc'][1:])) or 'fault'}: {row['msg']}" for row in e.errors())
        raise OptionError(f"That is no {kind} fault ({problems}).") from e
    _run(kubeconfig, lambda api: change_faults(api, entry))
    return next(iter(entry))


def list_faults(kubeconfig: Path) -> Faults:
    """Return the faults there are, by key."""
    return _run(kubeconfig, _faults)


def clear_faults(kubeconfig: Path) -> int:
    """End all faults and return how many there were."""
    keys = list_faults(kubeconfig)
    _run(kubeconfig, lambda api: change_faults(api, dict.fromkeys(keys)))
    return len(keys)


async def change_faults(api: KubernetesApi, changes: Mapping[str, str | None]) -> Faults:
    """Merge changes into the ConfigMap, which is made with the first fault; None removes a key."""
    body = {"data": dict(changes)}
    empty = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE}}
    while True:
        try:
            found = await api.patch(CONFIG_MAPS, CONFIG_MAP, body, namespace=NAMESPACE, patch_type=PatchType.MERGE)
        except NotFoundError:
            try:
                await api.create(CONFIG_MAPS, empty, namespace=NAMESPACE)
            except ConflictError:
                continue
        else:
            return found.get("data") or {}


async def _faults(api: KubernetesApi) -> Faults:
    try:
        found = await api.get(CONFIG_MAPS, CONFIG_MAP, namespace=NAMESPACE)
    except NotFoundError:
        return {}
    return found.get("data") or {}


def _pairs(match: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for word in match:
        field, sign, pattern = word.partition("=")
        if not sign or field in pairs or field == "kind":
            raise OptionError(
                f"{word!r} does not say whom a fault concerns.", mend="Write each field once, as 'image=.*pytorch.*'."
            )
        pairs[field] = pattern
    return pairs


def _run(kubeconfig: Path, work: Callable[[KubernetesApi], Awaitable[Faults]]) -> Faults:
    async def run() -> Faults:
        async with await KubernetesApi.connect(kubeconfig) as api:
            return await work(api)

    try:
        return asyncio.run(run())
    except KubernetesError as e:
        raise StateError(e.message, mend="Is the sandbox running? `genkan-sandbox status` tells.") from e
