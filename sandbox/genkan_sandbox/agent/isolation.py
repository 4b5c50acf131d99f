"""Telling the cluster whether its containers are kept apart from the machine."""

import asyncio
import logging

from genkan_sandbox.agent.sandboxing import Isolation
from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.kinds import CONFIG_MAPS

NAMESPACE, CONFIG_MAP = "kube-system", "genkan-sandbox"
"""The ConfigMap of facts about the sandbox."""

ISOLATION, REASON = "isolation", "isolation-reason"
"""Its keys: a value of Isolation, and a sentence where there is none."""

USERS, SEPARATE, ONE = "users", "separate", "one"
"""Its key for the users of containers, and the values: users of their own on the machine, or all the same one."""

_RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


async def publish_isolation(api: KubernetesApi, isolation: Isolation, reason: str, *, separate: bool = False) -> None:
    """Write into the ConfigMap how containers and their users are kept apart; other keys stay as they are."""
    data = {ISOLATION: isolation.value, REASON: reason, USERS: SEPARATE if separate else ONE}
    while True:
        try:
            return await _write(api, data)
        except KubernetesError as e:
            log.info("The kind of isolation could not be published yet: %s", e.message)
            await asyncio.sleep(_RETRY_SECONDS)


async def _write(api: KubernetesApi, data: JsonObject) -> None:
    try:
        await api.patch(CONFIG_MAPS, CONFIG_MAP, {"data": data}, namespace=NAMESPACE, patch_type=PatchType.MERGE)
    except NotFoundError:
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE},
            "data": data,
        }
        await api.create(CONFIG_MAPS, manifest, namespace=NAMESPACE)
