"""An earlier server of the same name: its room and its share are for the new one, so that it goes before the checks.

Quotas count a pod for a moment longer than it is there: their controller has to hear of its end first.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime

from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import KubernetesError
from genkan_spawner.following.pod_state import PodState
from genkan_spawner.hub_view import HubView

from .creation import Remove, attempts, not_ended

MOST_PATIENCE = 60.0
"""Seconds that one which is ending anyway is left in peace at most, whatever its machine's clock says."""
MARGIN = 5.0
"""Seconds that it may be late."""
RECOUNT_SECONDS = 2.0
"""How long a share may still be counted that nobody holds any more."""
_GONE_WITHIN = 30.0


async def end_earlier(
    view: HubView,
    namespace: str,
    name: str,
    *,
    remove: Remove,
    now: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
) -> None:
    """Return when no earlier pod of this name is there; one that is not ending by itself is removed. Raises Refusal."""
    earlier = view.servers.get(namespace, name)
    if earlier is None or await _goes_by_itself(view, earlier, now=now):
        return
    try:
        async with asyncio.timeout(_GONE_WITHIN):
            await remove()
    except TimeoutError as e:
        raise not_ended() from e
    except KubernetesError as e:
        raise refusal_of(e) from e


def is_in_the_way(view: HubView, namespace: str, name: str) -> bool:
    """Return whether an earlier pod is there, or may still count towards the share."""
    there = view.servers.get(namespace, name) is not None
    return there or view.servers.has_just_gone(namespace, name, within=RECOUNT_SECONDS)


def recounts(view: HubView, namespace: str, name: str) -> AsyncIterator[bool]:
    """Yield for each attempt at being within the share: one, or several where an earlier pod has just gone.

    True is yielded for the last.
    """
    gone = view.servers.has_just_gone(namespace, name, within=RECOUNT_SECONDS)
    return attempts(RECOUNT_SECONDS if gone else 0)


async def _goes_by_itself(view: HubView, earlier: PodState, *, now: Callable[[], datetime]) -> bool:
    """Wait for a pod that is being deleted, as long as it was given time and a little longer."""
    if earlier.deleted is None or not view.sees_pods(earlier.namespace):
        return False
    left = (earlier.deleted - now()).total_seconds()
    try:
        async with (
            asyncio.timeout(min(max(left, 0.0) + MARGIN, MOST_PATIENCE)),
            aclosing(view.servers.changes(earlier.namespace, earlier.name, every=MARGIN)) as changes,
        ):
            async for pod in changes:
                if pod is None or pod.uid != earlier.uid:
                    return pod is None
    except TimeoutError:
        return False
    raise AssertionError("A pod is followed without end.")
