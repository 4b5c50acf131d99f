"""The place of a server that is about to be created: checked, and held against others until the watch shows its pod."""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus

from genkan_profiles.language.sentences import say
from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import Demand, demand_of
from genkan_spawner.checks.exceptions import ManifestError
from genkan_spawner.checks.findings import State, Verdict
from genkan_spawner.checks.limit_ranges import completed
from genkan_spawner.checks.priority import standing
from genkan_spawner.cluster.cache import ClusterCache
from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Snapshot
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

FRESH = 2.0
"""Seconds for which a place that was found is not looked for again."""

Examine = Callable[[Demand, Snapshot], Verdict]
"""The checks with what a profile adds to them."""


@dataclass(slots=True)
class Reservation:
    """One demand that counts as if its pod were there."""

    cache: ClusterCache
    examine: Examine
    demand: Demand
    uid: str
    verdict: Verdict
    made_at: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    """By the clock of the event loop."""

    def settle(self, manifest: JsonObject) -> None:
        """Check again, with what admission made of the manifest: defaults of a namespace, the priority's number.

        Raises Refusal. As at the first time nothing is awaited between the check and the reservation.
        """
        demand = _demand(manifest, self.cache.snapshot())
        if _is_no_harder(demand, self.demand, self.cache.snapshot()):
            return
        self.cache.forget(self.uid)
        self.demand = demand
        self.verdict = _checked(self.examine, demand, self.cache.snapshot())
        self.cache.assume(_assumed(demand, uid=self.uid, snapshot=self.cache.snapshot()))

    def confirm(self) -> None:
        """Note that the pod was created, which takes its share of the quotas itself."""
        self.cache.confirm(self.uid)

    def forget(self) -> None:
        """Give the place back."""
        self.cache.forget(self.uid)


@contextmanager
def reserved(
    cache: ClusterCache, manifest: JsonObject, *, examine: Examine, held: Reservation | None = None
) -> Iterator[Reservation]:
    """Check a manifest and hold its place; it is given back if what follows fails.

    A place that is `held` for the same demand since a moment ago is taken over. Raises Refusal. Two starts
    cannot both be promised the last GPU: between the check and the reservation nothing is awaited, and a hub has one
    event loop.
    """
    demand = _demand(manifest, cache.snapshot())
    reservation = reserve(cache, demand, examine=examine, held=held)
    try:
        yield reservation
    except BaseException:
        reservation.forget()
        raise


def reserve(cache: ClusterCache, demand: Demand, *, examine: Examine, held: Reservation | None = None) -> Reservation:
    """Check a demand and hold its place, or take over the one that is held. Raises Refusal."""
    if held is not None and held.demand == demand and asyncio.get_running_loop().time() - held.made_at < FRESH:
        held.examine = examine
        return held
    if held is not None:
        held.forget()
    verdict = _checked(examine, demand, cache.snapshot())
    uid = f"assumed-{uuid.uuid4()}"
    cache.assume(_assumed(demand, uid=uid, snapshot=cache.snapshot()))
    return Reservation(cache, examine, demand, uid, verdict)


def _is_no_harder(demand: Demand, before: Demand, snapshot: Snapshot) -> bool:
    """Return whether nothing has changed but that taints are tolerated and that the priority is spelt out.

    That is what admission makes of nearly every pod.
    """
    tolerations = before.placement.tolerations
    same = replace(
        demand,
        priority=before.priority,
        preemption=before.preemption,
        placement=replace(demand.placement, tolerations=tolerations),
    )
    tolerated = set(tolerations) <= set(demand.placement.tolerations)
    return same == before and tolerated and standing(demand, snapshot) == standing(before, snapshot)


def _demand(manifest: JsonObject, snapshot: Snapshot) -> Demand:
    try:
        return completed(demand_of(manifest), snapshot)
    except ManifestError as e:
        sentence = say(
            "This server is described in a way that no cluster accepts. "
            "Tell an administrator: the hub's log has the details."
        )
        status = HTTPStatus.SERVICE_UNAVAILABLE
        raise Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=status, log_message=str(e)) from e


def _checked(examine: Examine, demand: Demand, snapshot: Snapshot) -> Verdict:
    verdict = examine(demand, snapshot)
    if verdict.state is State.REFUSED:
        raise Refusal.of_verdict(verdict)
    return verdict


def _assumed(demand: Demand, *, uid: str, snapshot: Snapshot) -> PodRecord:
    own = standing(demand, snapshot)
    return PodRecord(
        uid=uid,
        namespace=demand.namespace,
        name=demand.name,
        node=None,
        requests=demand.requests,
        priority=own.value,
        priority_class=own.priority_class,
        created=datetime.now(tz=UTC),
        never_preempts=own.never_preempts,
        demand=demand,
    )
