"""Why there is no room, with the numbers, in a sentence for the person who wanted it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genkan_spawner.cluster.records import THOUSANDTHS, Amounts

from .capacity import PASSING, Obstacle, Spot, fits, left
from .demand import PODS, Demand
from .findings import Check, Finding, State
from .simulation import Taken
from .wording import amount_of, is_bytes, is_device, noun, number_of, quantity

_LATER = "Try again later, or choose other hardware."
_ORDER = ("cpu", "memory", "ephemeral-storage", PODS)


@dataclass(frozen=True, slots=True)
class Shortage:
    """A demand and all nodes, none of which has room for it."""

    demand: Demand
    spots: tuple[Spot, ...]
    """On which it may be."""
    closed: tuple[tuple[Spot, Obstacle], ...]
    ruled_out: tuple[Spot, ...]
    """On which its image does not work."""
    taken: Taken

    def finding(self, *, waits: bool) -> Finding:
        """Tell the obstacle that is the easiest to overcome; `waits` where a start may wait for room."""
        if waits and self._no_such_kind():
            return Finding(Check.FIT, State.WAITS, "No machine of this kind is there now; one may be added.")
        ever = any(self._able(spot) for spot in self.spots) or bool(self._closed(PASSING))
        state = State.WAITS if waits and ever else State.REFUSED
        if not self.spots:
            return Finding(Check.FIT, state, self._no_machine(), ever=ever)
        if not any(self._able(spot) for spot in self.spots):
            return self._too_big(state, ever=ever)
        return self._full(state)

    def _no_such_kind(self) -> bool:
        """Return whether no node is as the demand wants it, which one that is added may be."""
        chosen = self.spots or self.ruled_out or any(obstacle is not Obstacle.OTHER for _, obstacle in self.closed)
        return not chosen and not self.demand.placement.node_name

    @property
    def _wanted(self) -> dict[str, int]:
        """Requests and the pod's own place, what is scarce first."""
        wanted = {**self.demand.requests, PODS: THOUSANDTHS}
        return dict(sorted(wanted.items(), key=lambda row: (not is_device(row[0]), _rank(row[0]))))

    def _able(self, spot: Spot) -> bool:
        """Return whether the node is large enough when it is empty."""
        return fits(self.demand.requests, spot.view.node.allocatable)

    def _closed(self, kinds: Iterable[Obstacle]) -> list[Spot]:
        """Return the nodes that are large enough and closed for one of these reasons."""
        wanted = frozenset(kinds)
        return [spot for spot, obstacle in self.closed if obstacle in wanted and self._able(spot)]

    def _free(self, spot: Spot) -> Amounts:
        return left(spot.free, self.taken.get(spot.name))

    def _no_machine(self) -> str:  # noqa: PLR0911  # one per obstacle
        if not self.closed and not self.ruled_out:
            return "The cluster has no machines at the moment. Tell an administrator."
        if count := len(self._closed({Obstacle.DRAINED})):
            return f"{_all(count)} that this could run on {_is(count)} out of service at the moment. {_LATER}"
        if count := len(self._closed({Obstacle.NOT_READY})):
            return f"{_all(count)} that this could run on {_does(count)} not answer at the moment. {_LATER}"
        if count := len(self._closed({Obstacle.TROUBLED})):
            return f"{_all(count)} that this could run on {_is(count)} in trouble at the moment. {_LATER}"
        if count := len([spot for spot in self.ruled_out if self._able(spot)]):
            return f"The image does not work on {_the(count)} that this could run on. Choose another image or hardware."
        if count := len(self._closed({Obstacle.RESERVED})):
            return (
                f"{_all(count)} that this could run on {_is(count)} reserved for other work. "
                "Choose other hardware, or ask an administrator for access."
            )
        return (
            "The cluster has no machine of the kind that this asks for. "
            "Choose other hardware, or tell an administrator."
        )

    def _too_big(self, state: State, *, ever: bool) -> Finding:
        """Tell what even an empty machine has too little of."""
        sizes = [spot.view.node.allocatable for spot in self.spots]
        for resource, amount in self._wanted.items():
            largest = max(size.get(resource, 0) for size in sizes)
            if amount > largest:
                has = f"has {number_of(resource, largest)}" if largest else "has none"
                sentence = f"This needs {amount_of(resource, amount)}, and the largest machine {has}."
                if resource == PODS:
                    sentence = "The machines that this could run on take no servers."
                return self._numbers(state, resource, f"{sentence}{self._mend(ever=ever)}", spots=self.spots, ever=ever)
        together = ", ".join(amount_of(name, amount) for name, amount in self._wanted.items() if name != PODS)
        sentence = f"No machine has all of this together: {together}.{self._mend(ever=ever)}"
        return Finding(Check.FIT, state, sentence, ever=ever)

    def _mend(self, *, ever: bool) -> str:
        if ever:
            count = len(self._closed(PASSING))
            return f" {_more(count)} large enough {_is(count)} out of service at the moment. {_LATER}"
        return " Choose smaller hardware."

    def _full(self, state: State) -> Finding:
        """Tell what is in use, and how much is free on one machine."""
        able = [spot for spot in self.spots if self._able(spot)]
        for resource, amount in self._wanted.items():
            largest = max(self._free(spot).get(resource, 0) for spot in able)
            if amount > largest:
                sentence = f"{self._in_use(resource, largest, able)}{self._out()} {_LATER}"
                return self._numbers(state, resource, sentence, spots=able)
        return self._scattered(state, able)

    def _in_use(self, resource: str, largest: int, able: list[Spot]) -> str:
        """Say how much of one resource is free, in all and on one machine."""
        total = sum(max(self._free(spot).get(resource, 0), 0) for spot in able)
        size = sum(spot.view.node.allocatable.get(resource, 0) for spot in able)
        wanted = amount_of(resource, self._wanted[resource])
        if resource == PODS:
            return "All places for servers on the machines that this could run on are taken."
        if total == 0 and size == THOUSANDTHS:
            return f"The only {noun(resource, plural=False)} that this could use is in use."
        if total == 0 and is_bytes(resource):
            return f"No {noun(resource)} is free, and this needs {wanted}."
        if total == 0:
            return f"All {amount_of(resource, size)} that this could use are in use."
        free = amount_of(resource, total)
        verb = "is" if is_bytes(resource) or total == THOUSANDTHS else "are"
        if total == max(largest, 0):
            return f"Only {free} {verb} free, and this needs {wanted}."
        block = number_of(resource, max(largest, 0))
        return f"{free} {verb} free, but at most {block} on one machine; this needs {wanted}."

    def _scattered(self, state: State, able: list[Spot]) -> Finding:
        """Tell that what is free is not free together: name what is short beside the scarcest resource."""
        first = next(iter(self._wanted))
        beside = [spot for spot in able if self._free(spot).get(first, 0) >= self._wanted[first]]
        lacking = {
            resource: max(self._free(spot).get(resource, 0) for spot in beside)
            for resource, amount in self._wanted.items()
            if resource != first and all(self._free(spot).get(resource, 0) < amount for spot in beside)
        }
        if not lacking:
            sentence = f"Enough of everything is free, but not on one machine.{self._out()} {_LATER}"
            return Finding(Check.FIT, state, sentence)
        resource, most = next(iter(lacking.items()))
        verb = "is" if is_bytes(resource) or most == THOUSANDTHS else "are"
        has = f"at most {amount_of(resource, most)} {verb}" if most > 0 else f"no {noun(resource)} {verb}"
        wanted = number_of(resource, self._wanted[resource])
        sentence = f"The free {noun(first)} cannot be used: {has} free beside them, and this needs {wanted}."
        if resource == PODS:
            sentence = f"The free {noun(first)} cannot be used: their machines take no more servers."
        return self._numbers(state, resource, f"{sentence}{self._out()} {_LATER}", spots=beside)

    def _out(self) -> str:
        """Name machines that would do if they were in service."""
        count = len(self._closed(PASSING))
        return f" {_more(count)} {_is(count)} out of service." if count else ""

    def _numbers(
        self, state: State, resource: str, sentence: str, *, spots: Sequence[Spot], ever: bool = True
    ) -> Finding:
        """Add the amounts: those of some nodes together, and what is missing on the best of them."""
        requested = self._wanted[resource]
        size = sum(spot.view.node.allocatable.get(resource, 0) for spot in spots)
        free = sum(max(self._free(spot).get(resource, 0), 0) for spot in spots)
        best = max(self._free(spot).get(resource, 0) for spot in spots)
        return Finding(
            Check.FIT,
            state,
            sentence,
            resource=resource,
            requested=quantity(resource, requested),
            used=quantity(resource, max(size - free, 0)),
            limit=quantity(resource, size),
            over_by=quantity(resource, max(requested - max(best, 0), 0)),
            ever=ever,
        )


def _rank(resource: str) -> int:
    return _ORDER.index(resource) if resource in _ORDER else -1


def _all(count: int) -> str:
    return f"All {count} machines" if count > 1 else "The only machine"


def _the(count: int) -> str:
    return f"the {count} machines" if count > 1 else "the only machine"


def _more(count: int) -> str:
    return f"{count} more machines" if count > 1 else "1 more machine"


def _is(count: int) -> str:
    return "are" if count > 1 else "is"


def _does(count: int) -> str:
    return "do" if count > 1 else "does"
