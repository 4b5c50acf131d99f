"""Why there is no room, with the numbers, in a sentence for the person who wanted it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from genkan_profiles.language.sentences import NOTHING, Sentence, enumerated, say, say_number, together
from genkan_spawner.cluster.records import THOUSANDTHS, Amounts

from .capacity import PASSING, Obstacle, Spot, fits, left
from .demand import PODS, Demand
from .findings import Check, Finding, State
from .simulation import Taken
from .wording import amount_of, how_many, is_bytes, is_device, noun, number_of, quantity

_LATER = say("Try again later, or choose other hardware.")
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
            return Finding(Check.FIT, State.WAITS, say("No machine of this kind is there now; one may be added."))
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

    def _no_machine(self) -> Sentence:  # noqa: PLR0911  # one per obstacle
        if not self.closed and not self.ruled_out:
            return say("The cluster has no machines at the moment. Tell an administrator.")
        if count := len(self._closed({Obstacle.DRAINED})):
            return together([_out_of_service(count), _LATER])
        if count := len(self._closed({Obstacle.NOT_READY})):
            return together([_silent(count), _LATER])
        if count := len(self._closed({Obstacle.TROUBLED})):
            return together([_troubled(count), _LATER])
        if count := len([spot for spot in self.ruled_out if self._able(spot)]):
            return _not_with_image(count)
        if count := len(self._closed({Obstacle.RESERVED})):
            return _reserved(count)
        return say(
            "The cluster has no machine of the kind that this asks for. "
            "Choose other hardware, or tell an administrator."
        )

    def _too_big(self, state: State, *, ever: bool) -> Finding:
        """Tell what even an empty machine has too little of."""
        sizes = [spot.view.node.allocatable for spot in self.spots]
        for resource, amount in self._wanted.items():
            largest = max(size.get(resource, 0) for size in sizes)
            if amount > largest:
                sentence = together([_larger_than_all(resource, amount, largest), self._mend(ever=ever)])
                return self._numbers(state, resource, sentence, spots=self.spots, ever=ever)
        wanted = enumerated(amount_of(name, amount) for name, amount in self._wanted.items() if name != PODS)
        sentence = say("No machine has all of this together: {wanted}.", wanted=wanted)
        return Finding(Check.FIT, state, together([sentence, self._mend(ever=ever)]), ever=ever)

    def _mend(self, *, ever: bool) -> Sentence:
        if ever:
            return together([_more_large_enough(len(self._closed(PASSING))), _LATER])
        return say("Choose smaller hardware.")

    def _full(self, state: State) -> Finding:
        """Tell what is in use, and how much is free on one machine."""
        able = [spot for spot in self.spots if self._able(spot)]
        for resource, amount in self._wanted.items():
            largest = max(self._free(spot).get(resource, 0) for spot in able)
            if amount > largest:
                sentence = together([self._in_use(resource, largest, able), self._out(), _LATER])
                return self._numbers(state, resource, sentence, spots=able)
        return self._scattered(state, able)

    def _in_use(self, resource: str, largest: int, able: list[Spot]) -> Sentence:
        """Say how much of one resource is free, in all and on one machine."""
        total = sum(max(self._free(spot).get(resource, 0), 0) for spot in able)
        size = sum(spot.view.node.allocatable.get(resource, 0) for spot in able)
        wanted = amount_of(resource, self._wanted[resource])
        if resource == PODS:
            return say("All places for servers on the machines that this could run on are taken.")
        if total == 0 and size == THOUSANDTHS:
            return say("The only {what} that this could use is in use.", what=noun(resource, plural=False))
        if total == 0 and is_bytes(resource):
            return say("No {what} is free, and this needs {wanted}.", what=noun(resource), wanted=wanted)
        if total == 0:
            return say("All {size} that this could use are in use.", size=amount_of(resource, size))
        free, number = amount_of(resource, total), how_many(resource, total)
        if total == max(largest, 0):
            return say_number(
                "Only {free} is free, and this needs {wanted}.",
                "Only {free} are free, and this needs {wanted}.",
                number,
                free=free,
                wanted=wanted,
            )
        return say_number(
            "{free} is free, but at most {block} on one machine; this needs {wanted}.",
            "{free} are free, but at most {block} on one machine; this needs {wanted}.",
            number,
            free=free,
            block=number_of(resource, max(largest, 0)),
            wanted=wanted,
        )

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
            sentence = say("Enough of everything is free, but not on one machine.")
            return Finding(Check.FIT, state, together([sentence, self._out(), _LATER]))
        resource, most = next(iter(lacking.items()))
        sentence = _unusable(first, resource, most=most, wanted=self._wanted[resource])
        return self._numbers(state, resource, together([sentence, self._out(), _LATER]), spots=beside)

    def _out(self) -> Sentence:
        """Name machines that would do if they were in service."""
        count = len(self._closed(PASSING))
        if not count:
            return NOTHING
        return say_number(
            "1 more machine is out of service.", "{count} more machines are out of service.", count, count=count
        )

    def _numbers(
        self, state: State, resource: str, sentence: Sentence, *, spots: Sequence[Spot], ever: bool = True
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


def _out_of_service(count: int) -> Sentence:
    return say_number(
        "The only machine that this could run on is out of service at the moment.",
        "All {count} machines that this could run on are out of service at the moment.",
        count,
        count=count,
    )


def _silent(count: int) -> Sentence:
    return say_number(
        "The only machine that this could run on does not answer at the moment.",
        "All {count} machines that this could run on do not answer at the moment.",
        count,
        count=count,
    )


def _troubled(count: int) -> Sentence:
    return say_number(
        "The only machine that this could run on is in trouble at the moment.",
        "All {count} machines that this could run on are in trouble at the moment.",
        count,
        count=count,
    )


def _not_with_image(count: int) -> Sentence:
    return say_number(
        "The image does not work on the only machine that this could run on. Choose another image or hardware.",
        "The image does not work on the {count} machines that this could run on. Choose another image or hardware.",
        count,
        count=count,
    )


def _reserved(count: int) -> Sentence:
    return say_number(
        "The only machine that this could run on is reserved for other work. "
        "Choose other hardware, or ask an administrator for access.",
        "All {count} machines that this could run on are reserved for other work. "
        "Choose other hardware, or ask an administrator for access.",
        count,
        count=count,
    )


def _more_large_enough(count: int) -> Sentence:
    return say_number(
        "1 more machine large enough is out of service at the moment.",
        "{count} more machines large enough are out of service at the moment.",
        count,
        count=count,
    )


def _larger_than_all(resource: str, amount: int, largest: int) -> Sentence:
    if resource == PODS:
        return say("The machines that this could run on take no servers.")
    if not largest:
        return say("This needs {wanted}, and the largest machine has none.", wanted=amount_of(resource, amount))
    return say(
        "This needs {wanted}, and the largest machine has {largest}.",
        wanted=amount_of(resource, amount),
        largest=number_of(resource, largest),
    )


def _unusable(first: str, resource: str, *, most: int, wanted: int) -> Sentence:
    """Say that what is scarce is free, and what is not beside it."""
    scarce = noun(first)
    if resource == PODS:
        return say("The free {scarce} cannot be used: their machines take no more servers.", scarce=scarce)
    needed = number_of(resource, wanted)
    if most <= 0:
        return say_number(
            "The free {scarce} cannot be used: no {what} is free beside them, and this needs {needed}.",
            "The free {scarce} cannot be used: no {what} are free beside them, and this needs {needed}.",
            how_many(resource, most),
            scarce=scarce,
            what=noun(resource),
            needed=needed,
        )
    return say_number(
        "The free {scarce} cannot be used: at most {most} is free beside them, and this needs {needed}.",
        "The free {scarce} cannot be used: at most {most} are free beside them, and this needs {needed}.",
        how_many(resource, most),
        scarce=scarce,
        most=amount_of(resource, most),
        needed=needed,
    )
