"""Pods of servers that the hub has no record of, such as those of a hub that died while it started them.

Without this they would hold their GPUs until their user starts a server again. Pods carry a mark of the hub that made
them, so that two hubs may share a namespace.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jupyterhub import orm

from .exceptions import KubernetesError
from .following.pod_state import PodState
from .marks import HUB, SERVER_NAME, USER_NAME
from .removal import remove_pod

if TYPE_CHECKING:
    from .hub_view import HubView

log = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""
GRACE = timedelta(minutes=3)
"""Age below which a pod may belong to a start that is on its way, or to a hub that is just reading its database."""


class OrphanSweep:
    """Removes pods of this hub that none of its servers claims, at two looks in a row."""

    def __init__(
        self,
        view: "HubView",
        *,
        mark: str,
        is_claimed: Callable[[str, str], bool],
        now: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
    ) -> None:
        self._view = view
        self._mark = mark
        self._is_claimed = is_claimed
        self._now = now
        self._suspects: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Look for ever; a failure is logged and the next look comes."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.look()
            except Exception:
                log.exception("Looking for servers without a record failed.")

    async def look(self) -> None:
        """Remove what was suspect at the last look and still is."""
        found = {pod.uid: pod for pod in self._orphans()}
        confirmed = [pod for uid, pod in found.items() if uid in self._suspects]
        self._suspects = frozenset(found)
        for pod in confirmed:
            log.warning("The hub has no record of the server of pod %s/%s; removing it.", pod.namespace, pod.name)
            try:
                await remove_pod(self._view, pod.namespace, pod.name, uid=pod.uid)
            except (KubernetesError, TimeoutError):
                log.warning("Pod %s/%s could not be removed yet.", pod.namespace, pod.name)

    def _orphans(self) -> list[PodState]:
        oldest = self._now() - GRACE
        servers = self._view.servers
        states = [(servers.get(*key), servers.raw(*key)) for key in servers]
        return [
            state
            for state, raw in states
            if state is not None
            and raw is not None
            and state.deleted is None
            and self._view.sees_pods(state.namespace)
            and state.created is not None
            and state.created < oldest
            and (raw["metadata"].get("labels") or {}).get(HUB) == self._mark
            and not self._is_claimed(*_owner(raw["metadata"].get("annotations") or {}))
        ]


def claims_of(database: Any) -> Callable[[str, str], bool]:
    """Return whether the hub's database holds a server for a user's name and a server's name.

    JupyterHub notes a server before it starts it, so that starts on their way are claimed too.
    """

    def is_claimed(user_name: str, server_name: str) -> bool:
        user = orm.User.find(database, user_name)
        spawner = user.orm_spawners.get(server_name) if user is not None else None
        return spawner is not None and spawner.server is not None

    return is_claimed


def _owner(annotations: dict[str, str]) -> tuple[str, str]:
    return annotations.get(USER_NAME, ""), annotations.get(SERVER_NAME, "")
