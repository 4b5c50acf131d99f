"""Whether a shared disk that a pod mounts is too full."""

from genkan_profiles.language.sentences import NOTHING, Sentence, enumerated, say, together
from genkan_spawner.cluster.records import THOUSANDTHS
from genkan_spawner.cluster.snapshot import Snapshot
from genkan_spawner.storage.fill import DiskFill

from .claims import ClaimUse
from .findings import Check, Finding, State
from .wording import number_of, quantity

_STORAGE = "storage"
_TEBIBYTE = 2**40
_HAIR = 1e-9


def check_fill(use: ClaimUse, namespace: str, snapshot: Snapshot, *, rescue: bool) -> Finding | None:
    """Return how full the disk of a claim is, if that is known; with `rescue` a start is never refused for it."""
    fill = snapshot.fills.get((namespace, use.name)) or snapshot.fills.get(("", use.name))
    if fill is None:
        return None
    state = State.REFUSED if fill.refuses and not rescue else State.READY
    used, size = fill.used * THOUSANDTHS, fill.size * THOUSANDTHS
    return Finding(
        Check.STORAGE,
        state,
        _sentence(use, fill, rescue=rescue) if fill.warns or fill.refuses else NOTHING,
        resource=_STORAGE,
        used=quantity(_STORAGE, used),
        limit=quantity(_STORAGE, size),
    )


def _sentence(use: ClaimUse, fill: DiskFill, *, rescue: bool) -> Sentence:
    return together([how_full(fill, homes=use.home, name=use.name), _mend(fill, rescue=rescue), who_uses_most(fill)])


def how_full(fill: DiskFill, *, homes: bool, name: str) -> Sentence:
    """Return the fill as a sentence."""
    return say(
        "{disk} is {percent} % full ({used} of {size}).",
        disk=say("The disk of the homes") if homes else say("The disk of the storage {name}", name=name),
        # What is below a bound must not look as if it had reached it.
        percent=min(int(fill.percent + _HAIR), 100),
        used=disk_size(fill.used),
        size=disk_size(fill.size),
    )


def _mend(fill: DiskFill, *, rescue: bool) -> Sentence:
    if not fill.refuses:
        return say("Delete what you do not need any more.")
    if rescue:
        return say("This server starts all the same, for deleting what is not needed any more.")
    if fill.rescue:
        return say(
            "Until there is room again only this starts, for deleting files: {hardware}.",
            hardware=enumerated(fill.rescue),
        )
    return say("Servers start again when there is room. Tell an administrator.")


def who_uses_most(fill: DiskFill) -> Sentence:
    """Return who uses most as a sentence, where the site tells; empty if it does not."""
    if not fill.largest:
        return NOTHING
    rows = (f"{name} {disk_size(size)}" for name, size in fill.largest)
    return say("Most is used by {users}.", users=enumerated(rows))


def disk_size(amount: int) -> str:
    """Write bytes as people read them."""
    return f"{amount / _TEBIBYTE:.1f} TB" if amount >= _TEBIBYTE else number_of(_STORAGE, amount * THOUSANDTHS)
