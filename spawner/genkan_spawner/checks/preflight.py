"""All checks together: the verdict on one demand."""

from genkan_profiles import WhenFull
from genkan_spawner.cluster.snapshot import Snapshot

from .access import check_access
from .demand import Demand
from .driver import ImageNeeds, check_driver
from .findings import Verdict
from .fit import check_fit
from .limit_ranges import check_limits, completed
from .outlook import Outlook
from .priority import check_priority
from .quota import check_quota


def examine(
    demand: Demand,
    snapshot: Snapshot,
    *,
    image_needs: ImageNeeds | None = None,
    access: str | None = None,
    when_full: WhenFull = WhenFull.REFUSE,
    outlook: Outlook | None = None,
) -> Verdict:
    """Return what all checks say of a demand.

    `access` is the sentence with which the catalogue refuses this choice, None if it does not. An outlook of the same
    snapshot saves preparing it again: make one for all cards of a form.
    """
    if outlook is None or outlook.snapshot is not snapshot:
        outlook = Outlook.of(snapshot)
    demand = completed(demand, snapshot)
    drivers = check_driver(demand, outlook, needs=image_needs)
    waits = when_full is WhenFull.WAIT
    return Verdict.of(
        [
            check_access(access),
            *check_limits(demand, snapshot),
            *check_quota(demand, snapshot),
            check_priority(demand, snapshot),
            check_fit(demand, outlook, ruled_out=drivers.ruled_out, when_full_waits=waits),
            drivers.finding,
        ]
    )
