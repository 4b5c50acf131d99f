"""What a pod asks for, computed as the scheduler and the quota admission compute it.

The rules are those of `PodRequests` in k8s.io/component-helpers/resource, with the defaults that the API server fills
in (a request that is missing is the limit), so that a manifest comes to the same before and after it was created.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from genkan_profiles.exceptions import QuantityError
from genkan_profiles.quantities import parse_quantity
from genkan_spawner.api import JsonObject

from .records import THOUSANDTHS

Unreadable: TypeAlias = Callable[[str, QuantityError], None]
"""Is told of a resource whose amount cannot be read and is left out."""

_POD_LEVEL = ("cpu", "memory")
_HUGE_PAGES = "hugepages-"


@lru_cache(maxsize=4096)
def parse_amount(text: str, *, up: bool) -> int:
    """Return the thousandths that a quantity stands for, rounded up or down.

    Raises QuantityError with a sentence for people.
    """
    exact = parse_quantity(text) * THOUSANDTHS
    return math.ceil(exact) if up else math.floor(exact)


def parse_amounts(
    quantities: Mapping[str, Any] | None, *, up: bool, unreadable: Unreadable | None = None
) -> dict[str, int]:
    """Read quantities by resource; numbers are taken as manifests in Python hold them.

    Without somebody to tell of it, an amount that cannot be read raises QuantityError.
    """
    amounts: dict[str, int] = {}
    for name, quantity in (quantities or {}).items():
        try:
            amounts[name] = parse_amount(quantity if isinstance(quantity, str) else repr(quantity), up=up)
        except QuantityError as e:
            if unreadable is None:
                raise
            unreadable(name, e)
    return amounts


def pod_requests(
    spec: JsonObject, *, status: JsonObject | None = None, unreadable: Unreadable | None = None
) -> dict[str, int]:
    """Return the thousandths of each resource that a pod's spec asks for.

    All containers and sidecars together, or more where an init container needs it; amounts of the whole pod where
    they are given; and the overhead. With a status, a container that is being resized counts with the larger of what it
    has and what it wants, as the scheduler counts it.
    """
    reading = _Reading(status or {}, unreadable)
    total: dict[str, int] = {}
    for container in spec.get("containers") or []:
        _add(total, reading.requests(container))
    sidecars: dict[str, int] = {}
    peak: dict[str, int] = {}
    for container in spec.get("initContainers") or []:
        if container.get("restartPolicy") == "Always":
            wanted = reading.requests(container)
            _add(total, wanted)
            _add(sidecars, wanted)
            _raise(peak, sidecars)
        else:
            step = reading.requests(container, resized=False)
            _add(step, sidecars)
            _raise(peak, step)
    _raise(total, peak)
    reading.override_by_pod_level(total, spec.get("resources") or {})
    _add(total, reading.amounts(spec.get("overhead")))
    return total


class _Reading:
    """Reads amounts of one pod, with what its status says of a resize."""

    def __init__(self, status: JsonObject, unreadable: Unreadable | None) -> None:
        self._unreadable = unreadable
        self._status = status
        self._containers = {
            found["name"]: found
            for part in ("containerStatuses", "initContainerStatuses")
            for found in status.get(part) or []
            if found.get("resources") is not None
        }
        resizes = [c for c in status.get("conditions") or [] if c.get("type") == "PodResizePending"]
        self._infeasible = bool(resizes) and resizes[0].get("reason") == "Infeasible"

    def amounts(self, quantities: Mapping[str, Any] | None) -> dict[str, int]:
        return parse_amounts(quantities, up=True, unreadable=self._unreadable)

    def requests(self, container: JsonObject, *, resized: bool = True) -> dict[str, int]:
        """Return a container's requests, those included that follow from its limits."""
        resources = container.get("resources") or {}
        wanted = self.amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
        if not resized or (found := self._containers.get(container.get("name"))) is None:
            return wanted
        return self._in_force(wanted, has=found["resources"], allocated=found.get("allocatedResources"))

    def override_by_pod_level(self, total: dict[str, int], resources: JsonObject) -> None:
        """Put the amounts of the whole pod over the sum of its containers."""
        requests = self.amounts(_pod_level(resources.get("requests")))
        if requests and (has := self._status.get("resources")) is not None:
            in_force = self._in_force(requests, has=has, allocated=self._status.get("allocatedResources"))
            requests = {name: in_force.get(name, 0) for name in requests}
        for name, limit in self.amounts(_pod_level(resources.get("limits"))).items():
            if name not in total or name.startswith(_HUGE_PAGES):
                requests.setdefault(name, limit)
        total.update(requests)

    def _in_force(
        self, wanted: Mapping[str, int], *, has: JsonObject, allocated: Mapping[str, Any] | None
    ) -> dict[str, int]:
        result = {} if self._infeasible else dict(wanted)
        _raise(result, self.amounts(has.get("requests")))
        _raise(result, self.amounts(allocated))
        return result


def _pod_level(quantities: Mapping[str, Any] | None) -> dict[str, Any]:
    return {k: v for k, v in (quantities or {}).items() if k in _POD_LEVEL or k.startswith(_HUGE_PAGES)}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def _raise(total: dict[str, int], least: Mapping[str, int]) -> None:
    for name, amount in least.items():
        total[name] = max(total.get(name, 0), amount)
