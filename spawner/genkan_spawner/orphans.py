"""Pods of servers that the hub has no record of, such as those of a hub that died while it started them.

Without this they would hold their GPUs until their user starts a server again. Pods carry a mark of the hub that made
them, so that two hubs may share a namespace.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from jupyterhub import orm
from sqlalchemy import Text, literal_column

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
PAGE = 500
"""Records that are read before others get their turn: about 4 ms."""

Owner: TypeAlias = tuple[str, str]
"""A user's name and a server's name."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What the hub holds servers for."""

    owners: frozenset[Owner]
    """Those of starts on their way too."""
    pods: frozenset[tuple[str, str]]
    """Namespaces and names, by which KubeSpawner finds a server again; they outlive a user's name."""

    def hold(self, pod: PodState, *, owner: Owner) -> bool:
        """Whether a pod is that of a server."""
        return owner in self.owners or (pod.namespace, pod.name) in self.pods


class OrphanSweep:
    """Removes pods of this hub that none of its servers claims, at two looks in a row."""

    def __init__(
        self,
        view: "HubView",
        *,
        mark: str,
        claims: Callable[[], Awaitable[Claims]],
        now: Callable[[], datetime] = lambda: datetime.now(tz=UTC),
    ) -> None:
        self._view = view
        self._mark = mark
        self._claims = claims
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
        found = {pod.uid: pod for pod in await self._orphans()}
        confirmed = [pod for uid, pod in found.items() if uid in self._suspects]
        self._suspects = frozenset(found)
        for pod in confirmed:
            log.warning("The hub has no record of the server of pod %s/%s; removing it.", pod.namespace, pod.name)
            try:
                await remove_pod(self._view, pod.namespace, pod.name, uid=pod.uid)
            except (KubernetesError, TimeoutError):
                log.warning("Pod %s/%s could not be removed yet.", pod.namespace, pod.name)

    async def _orphans(self) -> list[PodState]:
        owners = self._owners()
        if not owners:
            return []
        claims = await self._claims()
        return [pod for pod, owner in owners if not claims.hold(pod, owner=owner)]

    def _owners(self) -> list[tuple[PodState, Owner]]:
        """Return the pods of this hub that are old enough, and whose they are."""
        oldest = self._now() - GRACE
        servers = self._view.servers
        states = [(servers.get(*key), servers.raw(*key)) for key in servers]
        return [
            (state, _owner(raw["metadata"].get("annotations") or {}))
            for state, raw in states
            if state is not None
            and raw is not None
            and state.deleted is None
            and self._view.sees_pods(state.namespace)
            and state.created is not None
            and state.created < oldest
            and (raw["metadata"].get("labels") or {}).get(HUB) == self._mark
        ]


def claims_of(database: Any) -> Callable[[], Awaitable[Claims]]:
    """Return what reads from the hub's database whose servers it holds.

    JupyterHub notes a server before it starts it, so that starts on their way are claimed too.
    """

    async def claims() -> Claims:
        owners, pods = set[Owner](), set[tuple[str, str]]()
        last = 0
        while rows := _claims_after(database, last):
            for _, user, server, state in rows:
                owners.add((user, server))
                pods.add(_pod(state))
            last = rows[-1][0]
            await asyncio.sleep(0)
        return Claims(frozenset(owners), frozenset(pods))

    return claims


def _claims_after(database: Any, last: int) -> list[Any]:
    """Return the next page of records of servers, as columns: whole objects take a hundred times as long."""
    record = orm.Spawner
    # As text: SQLAlchemy warns of JupyterHub's own type for it.
    columns = record.id, orm.User.name, record.name, literal_column("spawners.state", Text)
    query = database.query(*columns).join(record.user)
    rows: list[Any] = (
        query.filter(record.server_id.is_not(None), record.id > last).order_by(record.id).limit(PAGE).all()
    )
    return rows


def _owner(annotations: dict[str, str]) -> Owner:
    return annotations.get(USER_NAME, ""), annotations.get(SERVER_NAME, "")


def _pod(state: str | None) -> tuple[str, str]:
    """Return the namespace and the name of the pod that is remembered of a server; empty if there was none."""
    kept = json.loads(state or "{}") or {}
    return kept.get("namespace", ""), kept.get("pod_name", "")
