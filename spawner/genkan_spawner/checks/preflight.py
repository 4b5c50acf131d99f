"""All checks together: the verdict on one demand."""

from genkan_profiles import WhenFull
from genkan_profiles.language.sentences import Sentence
from genkan_spawner.cluster.snapshot import Snapshot

from .access import check_access
from .claims import NewClaim
from .demand import Demand
from .driver import ImageNeeds, check_driver
from .findings import Verdict
from .limit_ranges import check_limits, completed
from .outlook import Outlook
from .priority import check_priority
from .quota import check_quota
from .reach import fit_with_storage
from .storage import check_storage


def examine(
    demand: Demand,
    snapshot: Snapshot,
    *,
    image_needs: ImageNeeds | None = None,
    access: Sentence | None = None,
    when_full: WhenFull = WhenFull.REFUSE,
    creates: NewClaim | None = None,
    rescue: bool = False,
    outlook: Outlook | None = None,
) -> Verdict:
    """Return what all checks say of a demand.

    `access` is the sentence with which the catalogue refuses this choice, None if it does not. `creates` is the claim
    that the start makes if it is missing, `rescue` tells that the choice starts even on a full disk. An outlook of the
    same snapshot saves preparing it again: make one for all cards of a form.
    """
    if outlook is None or outlook.snapshot is not snapshot:
        outlook = Outlook.of(snapshot)
    demand = completed(demand, snapshot)
    drivers = check_driver(demand, outlook, needs=image_needs)
    storage = check_storage(demand, outlook, creates=creates, rescue=rescue)
    waits = when_full is WhenFull.WAIT
    return Verdict.of(
        [
            check_access(access),
            *check_limits(demand, snapshot),
            *check_quota(demand, snapshot),
            check_priority(demand, snapshot),
            *fit_with_storage(demand, outlook, storage=storage, ruled_out=drivers.ruled_out, when_full_waits=waits),
            drivers.finding,
        ]
    )
