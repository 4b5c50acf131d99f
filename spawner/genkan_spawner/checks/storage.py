"""Whether the storage that a pod mounts is there, can be made, and can be reached where the pod would run.

Follows the scheduler's VolumeBinding, VolumeZone and VolumeRestrictions, the binder of claims, and the rule of the
attach controller that a volume is attached to one node at a time. Limits of volumes per node and the capacity that CSI
drivers report are left out: Kubernetes looks at them when the pod is there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from genkan_profiles.language.sentences import NOTHING, Sentence, say, say_number
from genkan_spawner.cluster.records import PodRecord
from genkan_spawner.cluster.snapshot import Snapshot, Source
from genkan_spawner.cluster.storage_records import ClaimRecord, Phase, StorageClassRecord, VolumeRecord

from .claims import ClaimUse, NewClaim
from .demand import OWNER, Demand
from .disks import check_fill
from .findings import Check, Finding, State
from .outlook import Outlook
from .storage_quota import check_claim_quota

SERVER_NAME = "hub.jupyter.org/servername"
"""The label by which a hub tells a user's servers apart."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What the check of storage found."""

    findings: tuple[Finding, ...]
    ruled_out: frozenset[str] = frozenset()
    """Names of the nodes that do not reach it."""
    pinned: str = ""
    """The node that has it at the moment, to which the pod is kept."""
    why: Sentence = NOTHING
    """What to tell if none of the other nodes has room."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """The nodes to which one claim keeps a pod."""

    ruled_out: frozenset[str]
    why: Sentence
    pinned: str = ""


def check_storage(
    demand: Demand, outlook: Outlook, *, creates: NewClaim | None = None, rescue: bool = False
) -> Storage:
    """Look at each claim of a pod.

    `creates` is what its start makes if it is not there, `rescue` tells that the hardware starts even on a full disk.
    """
    snapshot = outlook.snapshot
    fills = [check_fill(use, demand.namespace, snapshot, rescue=rescue) for use in demand.claims]
    told = [finding for finding in fills if finding is not None]
    for claim in demand.ephemeral:
        told += _of_new_claim(ClaimUse(claim.name), claim, demand.namespace, snapshot)
    if demand.claims and not _knows_claims(snapshot, demand.namespace):
        sentence = say("Whether the storage is there cannot be seen at the moment; the start will show it.")
        return Storage((*told, Finding(Check.STORAGE, State.UNKNOWN, sentence)))
    reaches: list[_Reach] = []
    for use in demand.claims:
        found = snapshot.storage.claims.get((demand.namespace, use.name))
        if found is not None:
            told += _of_claim(use, found, snapshot)
            told += _of_users(use, found, demand, outlook)
            reaches += _reaches(use, found, demand, outlook)
        elif creates is not None and creates.name == use.name:
            told += _of_new_claim(use, creates, demand.namespace, snapshot)
        else:
            sentence = say("The storage {name} that this needs does not exist. Tell an administrator.", name=use.name)
            told.append(Finding(Check.STORAGE, State.REFUSED, sentence, ever=False))
    pinned = next((reach.pinned for reach in reaches if reach.pinned), "")
    if pinned or not told:
        told.append(Finding(Check.STORAGE, State.READY, node=pinned))
    return Storage(
        tuple(told),
        ruled_out=frozenset().union(*(reach.ruled_out for reach in reaches)),
        pinned=pinned,
        why=next((reach.why for reach in reaches), NOTHING),
    )


def _knows_claims(snapshot: Snapshot, namespace: str) -> bool:
    """Return whether a claim that is not shown is not there; where rights are partial, one has to have been seen."""
    if not snapshot.knows(Source.CLAIMS):
        return False
    return not snapshot.health[Source.CLAIMS].partial or any(key[0] == namespace for key in snapshot.storage.claims)


def _of_claim(use: ClaimUse, claim: ClaimRecord, snapshot: Snapshot) -> Iterator[Finding]:
    """Say what is wrong with a claim that is there."""
    if claim.deleted:
        sentence = say("{claim} is being deleted. Tell an administrator.", claim=use.words)
        yield Finding(Check.STORAGE, State.REFUSED, sentence, ever=False)
        return
    match claim.phase:
        case Phase.LOST:
            sentence = say("{claim} has lost its disk. Tell an administrator.", claim=use.words)
            yield Finding(Check.STORAGE, State.REFUSED, sentence, ever=False)
        case Phase.PENDING:
            asked = NewClaim(claim.name, claim.size, claim.access_modes, claim.storage_class, claim.selects)
            yield from _unbound(use, asked, claim.namespace, snapshot)
        case Phase.BOUND:
            pass


def _unbound(use: ClaimUse, claim: NewClaim, namespace: str, snapshot: Snapshot) -> Iterator[Finding]:
    """Say what becomes of a claim that waits for its volume."""
    impossible = _impossible(use, claim, namespace, snapshot)
    if impossible is not None:
        yield impossible
        return
    found = _class_of(claim, snapshot)
    if found is None or not found.waits_for_pod:
        sentence = say("{claim} is not ready yet; the start will show whether it gets ready.", claim=use.words)
        yield Finding(Check.STORAGE, State.UNKNOWN, sentence)


def _of_new_claim(use: ClaimUse, claim: NewClaim, namespace: str, snapshot: Snapshot) -> Iterator[Finding]:
    """Say whether a claim can be made, and whether a volume can be made for it."""
    impossible = _impossible(use, claim, namespace, snapshot)
    if impossible is not None:
        yield impossible
    found = _class_of(claim, snapshot)
    storage_class = found.name if found is not None else claim.storage_class
    yield from check_claim_quota(use, claim, namespace=namespace, storage_class=storage_class, snapshot=snapshot)


def _impossible(use: ClaimUse, claim: NewClaim, namespace: str, snapshot: Snapshot) -> Finding | None:
    """Return a finding if nothing makes a volume for a claim and none is there that fits; None if that is not known."""
    if claim.selects or not snapshot.knows(Source.STORAGE_CLASSES):
        return None
    found = _class_of(claim, snapshot)
    if found is not None and found.provisions:
        return None
    name = found.name if found is not None else claim.storage_class
    volumes = snapshot.storage.volumes.values()
    if not snapshot.knows(Source.VOLUMES) or any(_suits(row, claim, namespace, name or "") for row in volumes):
        return None
    if found is not None or name == "":
        sentence = say(
            "{claim} has no disk: those of its kind are made by hand, and none is left. Tell an administrator.",
            claim=use.words,
        )
    elif name is None:
        sentence = say(
            "{claim} cannot be made: the cluster has no kind of storage for it. Tell an administrator.",
            claim=use.words,
        )
    else:
        sentence = say(
            "{claim} cannot be made: the kind of storage {name} does not exist. Tell an administrator.",
            claim=use.words,
            name=name,
        )
    return Finding(Check.STORAGE, State.REFUSED, sentence, ever=False)


def _class_of(claim: NewClaim, snapshot: Snapshot) -> StorageClassRecord | None:
    if claim.storage_class is None:
        return snapshot.storage.default_class
    return snapshot.storage.classes.get(claim.storage_class)


def _suits(volume: VolumeRecord, claim: NewClaim, namespace: str, storage_class: str) -> bool:
    """Return whether the binder could give a volume that was made by hand to a claim."""
    kept = volume.kept_for
    return (
        (volume.free if kept is None else kept == (namespace, claim.name))
        and volume.storage_class == storage_class
        and volume.size >= claim.size
        and set(claim.access_modes) <= set(volume.access_modes)
    )


def _of_users(use: ClaimUse, claim: ClaimRecord, demand: Demand, outlook: Outlook) -> Iterator[Finding]:
    """Say of a claim for one pod at a time that another pod has it."""
    if not claim.single_pod or not outlook.snapshot.knows(Source.PODS):
        return
    holder = next(_holders(use, demand, outlook), None)
    if holder is not None:
        sentence = say(
            "{claim} is in use by {holder}, and one server at a time can use it. Stop that one first.",
            claim=use.words,
            holder=_whose(holder, demand),
        )
        yield Finding(Check.STORAGE, State.REFUSED, sentence)


def _reaches(use: ClaimUse, claim: ClaimRecord, demand: Demand, outlook: Outlook) -> Iterator[_Reach]:
    """Yield the nodes to which a bound claim keeps a pod."""
    snapshot = outlook.snapshot
    volume = snapshot.storage.volumes.get(claim.volume)
    if volume is None or not snapshot.knows(Source.VOLUMES, Source.NODES):
        return
    nodes = snapshot.nodes
    if volume.terms is not None:
        terms = volume.terms
        away = frozenset(name for name, view in nodes.items() if not any(term.holds(view.node) for term in terms))
        few = len(nodes) - len(away)
        why = say_number(
            "{claim} can be used on one machine only, and there is no room for this. "
            "Try again later, or choose other hardware.",
            "{claim} can be used on {count} machines only, and there is no room for this. "
            "Try again later, or choose other hardware.",
            few,
            claim=use.words,
            count=few,
        )
        yield _Reach(away, why)
    shared = not claim.single_node or claim.single_pod
    if not shared and snapshot.knows(Source.STORAGE_DRIVERS) and snapshot.storage.attaches(volume):
        holder = next((pod for pod in _holders(use, demand, outlook) if pod.node in nodes), None)
        if holder is not None and holder.node is not None:
            why = say(
                "{claim} is in use by {holder} on another machine, which has no room for this. "
                "Stop that one first, or choose other hardware.",
                claim=use.words,
                holder=_whose(holder, demand),
            )
            yield _Reach(frozenset(nodes) - {holder.node}, why, pinned=holder.node)


def _holders(use: ClaimUse, demand: Demand, outlook: Outlook) -> Iterator[PodRecord]:
    """Yield the pods on nodes that have a claim; not those that are just ending, nor an earlier one of this server."""
    for pod in outlook.holders(demand.namespace, use.name):
        if pod.name != demand.name and not pod.terminating:
            yield pod


def _whose(holder: PodRecord, demand: Demand) -> Sentence:
    """Name a pod, without a word of whose it is if it is somebody else's."""
    if not demand.owner or holder.labels.get(OWNER) != demand.owner:
        return say("other work")
    name = holder.labels.get(SERVER_NAME, "")
    return say("your server {name}", name=name) if name else say("your other server")
