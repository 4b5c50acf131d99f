"""Taking a pod away, and knowing when it is gone."""

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

from genkan_spawner.exceptions import ConflictError, KubernetesError, NotFoundError
from genkan_spawner.kinds import PODS

if TYPE_CHECKING:
    from genkan_spawner.hub_view import HubView

GONE_WITHIN = 30.0
"""Seconds to wait for a pod to go that was removed at once."""

_LOOK_EVERY = 2.0
_PAUSE, _MOST_PAUSE = 0.2, 3.0


async def remove_pod(
    view: "HubView",
    namespace: str,
    name: str,
    *,
    uid: str | None = None,
    grace_seconds: int | None = 0,
    tries_for: float = 30.0,
    gone_within: float = GONE_WITHIN,
) -> None:
    """Delete a pod and wait until it is gone; with a uid that very pod and no namesake.

    What may pass is tried again for `tries_for` seconds; then, and for a refusal, KubernetesError is raised. Raises
    TimeoutError where the pod is still there after `gone_within` seconds.
    """
    if await _delete(view, namespace, name, uid=uid, grace_seconds=grace_seconds, tries_for=tries_for):
        async with (
            asyncio.timeout(gone_within),
            aclosing(view.servers.changes(namespace, name, every=_LOOK_EVERY)) as changes,
        ):
            async for pod in changes:
                if not view.sees_pods(namespace):
                    gone = await _is_gone(view, namespace, name, uid=uid)
                else:
                    gone = pod is None or (uid is not None and pod.uid != uid)
                if gone:
                    return


async def _delete(
    view: "HubView", namespace: str, name: str, *, uid: str | None, grace_seconds: int | None, tries_for: float
) -> bool:
    """Return whether the pod was there."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + tries_for, _PAUSE
    while True:
        try:
            await view.api.delete(PODS, name, namespace=namespace, uid=uid, grace_seconds=grace_seconds)
        except (NotFoundError, ConflictError):
            return False
        except KubernetesError as e:
            if not e.passing or loop.time() > deadline:
                raise
        else:
            return True
        await asyncio.sleep(pause)
        pause = min(pause * 2, _MOST_PAUSE)


async def _is_gone(view: "HubView", namespace: str, name: str, *, uid: str | None) -> bool:
    """Ask the API; without an answer nothing is gone."""
    try:
        found = await view.api.get(PODS, name, namespace=namespace)
    except NotFoundError:
        return True
    except KubernetesError:
        return False
    return uid is not None and found["metadata"]["uid"] != uid
