"""Whether the scheduler would place a pod now.

Follows the filters of kube-scheduler 1.36's default profile that look at nodes and amounts (NodeResourcesFit,
TaintToleration, NodeAffinity, NodeUnschedulable, NodeName) and its DefaultPreemption.
"""

from collections.abc import Collection, Iterable

from genkan_profiles.language.sentences import enumerated, say
from genkan_spawner.cluster.snapshot import Source

from .capacity import Spot, fits
from .demand import Demand
from .findings import Check, Finding, State
from .outlook import Outlook
from .preemption import Preemption, foresee_preemption
from .shortage import Shortage

_NOTHING: frozenset[str] = frozenset()


def check_fit(
    demand: Demand, outlook: Outlook, *, ruled_out: Collection[str] = _NOTHING, when_full_waits: bool = False
) -> Finding:
    """Say whether there is room now, can be made by preemption, or will be.

    `ruled_out` are names of nodes that another check has found unfit. A pod that finds no room now but could ever find
    some waits where the site says so, and is refused otherwise.
    """
    if not outlook.snapshot.knows(Source.NODES, Source.PODS):
        sentence = say("How much is free cannot be seen at the moment; the start will show whether there is room.")
        return Finding(Check.FIT, State.UNKNOWN, sentence)
    own = outlook.standing(demand)
    taken = outlook.taken_before(demand, own)
    found = outlook.capacity.sort(demand.placement)
    spots = [spot for spot in found.open if spot.name not in ruled_out] if ruled_out else found.open
    if any(fits(demand.requests, spot.free, taken.get(spot.name)) for spot in spots):
        return _with_rules(demand, outlook, Finding(Check.FIT, State.READY))
    match foresee_preemption(demand, own, spots, outlook=outlook, taken=taken):
        case Preemption.SUCCEEDS:
            sentence = say("Work of lower priority will be interrupted to make room.")
            return _with_rules(demand, outlook, Finding(Check.FIT, State.READY, sentence, would_preempt=True))
        case Preemption.CONTESTED:
            sentence = say(
                "Work of lower priority can make room, but other work waits for the same room and may be quicker."
            )
            return _with_rules(demand, outlook, Finding(Check.FIT, State.UNKNOWN, sentence, would_preempt=True))
        case Preemption.USELESS:
            pass
    if any(fits(demand.requests, spot.without_leaving(), taken.get(spot.name)) for spot in spots):
        sentence = say("Room is becoming free: other work is just ending. The server starts as soon as it is gone.")
        return _with_rules(demand, outlook, Finding(Check.FIT, State.WAITS, sentence))
    shut_out = [spot for spot in found.open if spot.name in ruled_out] if ruled_out else []
    shortage = Shortage(demand=demand, spots=tuple(spots), closed=found.closed, ruled_out=tuple(shut_out), taken=taken)
    return _with_doubt(demand, outlook, spots, shortage.finding(waits=when_full_waits))


def _with_doubt(demand: Demand, outlook: Outlook, spots: Iterable[Spot], finding: Finding) -> Finding:
    """Take back a refusal if room could be made by a priority that cannot be looked up."""
    if finding.state is not State.REFUSED or outlook.snapshot.knows(Source.PRIORITY_CLASSES):
        return finding
    fixed = not demand.priority_class or demand.priority is not None
    if fixed or demand.never_preempts or demand.placement.node_name:
        return finding
    if not any(fits(demand.requests, spot.view.node.allocatable) for spot in spots):
        return finding
    sentence = say("Whether work of lower priority makes room cannot be seen at the moment; the start will show it.")
    return Finding(Check.FIT, State.UNKNOWN, sentence)


def _with_rules(demand: Demand, outlook: Outlook, finding: Finding) -> Finding:
    """Take back a promise that depends on what is not seen or no check foresees."""
    if demand.gated:
        sentence = say("Another system decides when this may start, and has not released it yet.")
        return Finding(Check.FIT, State.WAITS, sentence)
    if not outlook.snapshot.sees_everywhere(Source.PODS):
        sentence = say("What others use cannot be seen; the start will show whether there is room.")
        return Finding(Check.FIT, State.UNKNOWN, sentence, would_preempt=finding.would_preempt)
    if demand.unforeseen:
        rules = enumerated(demand.unforeseen)
        sentence = say("There is room, but this asks for more than can be checked beforehand ({rules}).", rules=rules)
        return Finding(Check.FIT, State.UNKNOWN, sentence, would_preempt=finding.would_preempt)
    return finding
