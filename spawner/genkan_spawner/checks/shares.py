"""What a team's quotas say of what is in use and what is left, for people to see."""

from collections.abc import Iterable
from dataclasses import dataclass

from genkan_spawner.cluster.snapshot import Snapshot, Source

from .demand import PODS, Demand
from .priority import standing
from .quota import applies, counted, quota_usage
from .wording import bare, is_device

_OBJECTS = "count/pods"
_ORDER = ("cpu", "memory", "ephemeral-storage", PODS)


@dataclass(frozen=True, slots=True)
class Share:
    """One resource of which a team may use so much; in thousandths."""

    resource: str
    """Without what quotas put before it."""
    used: int
    limit: int

    @property
    def left(self) -> int:
        """What may still be used; never less than nothing."""
        return max(self.limit - self.used, 0)

    @property
    def percent(self) -> int:
        """How much of it is in use, between 0 and 100."""
        return min(100 * self.used // self.limit, 100) if self.limit else 100


def shares_of(demands: Iterable[Demand], snapshot: Snapshot) -> tuple[Share, ...]:
    """Return the shares that count what a team can choose, devices first; `demands` are of one namespace.

    Where several quotas limit a resource, the one that leaves least counts.
    """
    found: dict[str, Share] = {}
    for demand in demands:
        if not snapshot.knows(Source.QUOTAS, namespace=demand.namespace):
            return ()
        usage, own = quota_usage(demand), standing(demand, snapshot)
        for quota in snapshot.quotas.get(demand.namespace, ()):
            if not applies(quota, demand, own):
                continue
            for resource, limit in quota.hard.items():
                if not usage.get(resource):
                    continue
                name = PODS if resource == _OBJECTS else bare(resource)
                share = Share(name, counted(quota, resource, snapshot), limit)
                known = found.get(name)
                if known is None or share.left < known.left:
                    found[name] = share
    return tuple(sorted(found.values(), key=lambda share: (not is_device(share.resource), _rank(share.resource))))


def _rank(resource: str) -> tuple[int, str]:
    return (_ORDER.index(resource) if resource in _ORDER else len(_ORDER), resource)
