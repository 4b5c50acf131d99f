"""Room on the machines that reach a pod's storage."""

from collections.abc import Collection
from dataclasses import replace

from .demand import Demand
from .findings import Check, Finding, State
from .fit import check_fit
from .outlook import Outlook
from .storage import Storage


def fit_with_storage(
    demand: Demand, outlook: Outlook, *, storage: Storage, ruled_out: Collection[str], when_full_waits: bool
) -> tuple[Finding, ...]:
    """Return the findings of fit and storage.

    Where there is room, but on no machine that reaches the storage, it is the storage that stands against the start.
    """
    everywhere = check_fit(demand, outlook, ruled_out=ruled_out, when_full_waits=when_full_waits)
    if not storage.ruled_out or everywhere.state is State.REFUSED:
        return everywhere, *storage.findings
    within = frozenset(ruled_out) | storage.ruled_out
    there = check_fit(demand, outlook, ruled_out=within, when_full_waits=when_full_waits)
    if there.state in {State.READY, State.UNKNOWN}:
        return there, *storage.findings
    if there.state is everywhere.state:
        return everywhere, *storage.findings
    told = tuple(finding for finding in storage.findings if finding.state is not State.READY)
    objection = replace(there, check=Check.STORAGE, message=storage.why, node=storage.pinned)
    return everywhere, *told, objection
