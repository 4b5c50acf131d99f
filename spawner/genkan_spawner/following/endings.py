"""Why a start cannot succeed any more, or why a server that ran has ended."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.homes.preparation import PREPARATION, failed_preparation
from genkan_spawner.reasons import Reason

from .happenings import Happening
from .pod_state import ContainerState, PodState
from .storage_trouble import (
    NO_ANSWER,
    absent_sentence,
    folder_sentence,
    mounting_sentence,
    provisioning_sentence,
    reach_sentence,
)

MOST_RESTARTS = 2
"""How often a server may fail while it starts before its start is given up."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds each obstacle may last before a start is ended; Kubernetes itself would try for ever."""

    placing: float | None = 60.0
    """No machine has room; None to wait for one as long as the hub's own limit allows."""
    pulling: float = 30.0
    """The image cannot be fetched, for a reason that may pass."""
    mounting: float = 60.0
    """The storage cannot be mounted, or another pod still holds it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a server, in a sentence for its user."""

    reason: Reason
    sentence: Sentence
    at: datetime | None = None
    show_log: bool = False
    """Whether the last lines of the server's log would help."""
    detail: str = ""
    """Kubernetes' own words, for the hub's log alone."""


_IMAGE_FINAL = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_IMAGE_FAILED = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError", "SignatureValidationFailed"}
)
_CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_MOUNTS = frozenset({"FailedMount", "FailedAttachVolume", "FailedMapVolume"})
_NOT_MADE = frozenset({"ProvisioningFailed", "FailedBinding"})
_TRIED_AGAIN = "Operation cannot be fulfilled on persistentvolumeclaims"
"""What the controller says when another one was quicker to write to the claim."""


def obstacle_to_start(
    pod: PodState,
    happenings: Iterable[Happening] = (),
    *,
    of_claims: Iterable[Happening] = (),
    now: datetime,
    patience: Patience,
) -> Ending | None:
    """Return why the start of this pod is to be given up; None while it may still succeed.

    `of_claims` was reported of its claims that have no volume yet.
    """
    return (
        end_of(pod)
        or _not_prepared(pod)
        or _still_preparing(pod, now=now, patience=patience)
        or _not_made(pod, of_claims, now=now, patience=patience)
        or _not_placed(pod, now=now, patience=patience)
        or next(filter(None, (_of_container(pod, row, now=now, patience=patience) for row in pod.containers)), None)
        or next(_not_mounted(pod, happenings, now=now, patience=patience), None)
    )


def end_of(pod: PodState) -> Ending | None:
    """Return why a pod has ended or is being ended; None while it may run."""
    if pod.disruption is not None:
        return _disrupted(pod)
    if pod.phase == "Failed" and pod.reason:
        return _failed(pod)
    if pod.phase in {"Failed", "Succeeded"}:
        return _not_prepared(pod) or _by_itself(pod)
    if pod.deleted is not None:
        return Ending(Reason.UNAVAILABLE, say("The server was taken away."), pod.deleted)
    return None


def _not_prepared(pod: PodState) -> Ending | None:
    """Return why the home cannot be had, as the container found that prepares it; it would find the same again."""
    for row in pod.containers:
        ended = row.terminated or row.last_terminated
        if row.init and row.name == PREPARATION and ended is not None and ended.exit_code:
            return Ending(Reason.STORAGE, failed_preparation(ended.exit_code, ended.message), ended.at)
    return None


def _still_preparing(pod: PodState, *, now: datetime, patience: Patience) -> Ending | None:
    """Return that the file server does not answer: to make a folder takes no time where it does."""
    row = next((row for row in pod.containers if row.init and row.name == PREPARATION and row.running), None)
    if row is None:
        return None
    # The machine's clock, which dates the container, may be late.
    scheduled = pod.conditions.get("PodScheduled")
    known = (row.since, scheduled.since if scheduled is not None else None)
    waited = (now - max(filter(None, known), default=now)).total_seconds()
    return Ending(Reason.STORAGE, NO_ANSWER, now) if waited >= patience.mounting else None


def _by_itself(pod: PodState) -> Ending:
    ended = next((row.terminated for row in pod.containers if row.terminated is not None and _is_server(row)), None)
    if ended is None:
        return Ending(Reason.UNAVAILABLE, say("The server ended."))
    if ended.reason == "OOMKilled":
        return Ending(Reason.CAPACITY, say("The server used more memory than it had, and was ended."), ended.at)
    if ended.exit_code:
        sentence = say("The server ended by itself with exit code {code}.", code=ended.exit_code)
        return Ending(Reason.UNAVAILABLE, sentence, ended.at, show_log=True)
    return Ending(Reason.UNAVAILABLE, say("The server ended by itself."), ended.at)


def has_failed(pod: PodState) -> bool:
    """Return whether the server has ended with an error, be it that it is started once more."""
    ends = [end for row in pod.containers if _is_server(row) for end in (row.terminated, row.last_terminated)]
    return any(end is not None and end.exit_code for end in ends)


def _is_server(container: ContainerState) -> bool:
    return container.name == "notebook"


def _disrupted(pod: PodState) -> Ending:
    condition = pod.disruption
    assert condition is not None  # noqa: S101  # the caller has looked
    match condition.reason:
        case "PreemptionByScheduler":
            return Ending(*_PREEMPTED, condition.since)
        case "TerminationByKubelet":
            return Ending(Reason.CAPACITY, _of_kubelet(condition.message or pod.message), condition.since)
        case "DeletionByTaintManager" | "DeletionByPodGC":
            return Ending(*_GONE, condition.since)
        case _:
            sentence = say("The server was stopped because its machine is being taken out of service.")
            return Ending(Reason.CAPACITY, sentence, condition.since)


def _of_kubelet(message: str) -> Sentence:
    if "memory" in message:
        return say("The server was stopped because its machine ran out of memory.")
    if "storage" in message or "inodes" in message or "DiskPressure" in message:
        return say("The server was stopped because its machine ran out of disk space.")
    return say("The server was stopped because its machine ran out of resources.")


_GONE = (Reason.CAPACITY, say("The server was stopped because its machine went away."))
_PREEMPTED = (Reason.PRIORITY, say("The server was stopped to make room for a job of higher priority."))
_FAILURES = {
    "Preempting": _PREEMPTED,
    "NodeLost": _GONE,
    "NodeShutdown": _GONE,
    "Shutdown": _GONE,
    "Terminated": _GONE,
    "NodeAffinity": (Reason.CAPACITY, say("The machine was changed so that the server may not run there.")),
    "UnexpectedAdmissionError": (
        Reason.CAPACITY,
        say("The machine refused the server, most likely because one of its GPUs has failed."),
    ),
    "DeadlineExceeded": (Reason.UNAVAILABLE, say("The server reached the longest time that it may run.")),
}
"""By the kubelet's and the controllers' reasons for a pod's phase Failed."""


def _failed(pod: PodState) -> Ending:
    if pod.reason == "Evicted":
        return Ending(Reason.CAPACITY, _of_kubelet(pod.message))
    if pod.reason.startswith("OutOf"):
        return Ending(Reason.CAPACITY, say("Somebody else took the last room on the machine."))
    return Ending(*_FAILURES.get(pod.reason, (Reason.UNAVAILABLE, say("The machine refused the server."))))


def _not_made(pod: PodState, of_claims: Iterable[Happening], *, now: datetime, patience: Patience) -> Ending | None:
    """Return that no volume is made for a claim, which the scheduler waits for without a word."""
    if pod.placed or (now - (pod.created or now)).total_seconds() < patience.mounting:
        return None
    failures = (row for row in of_claims if row.reason in _NOT_MADE and _TRIED_AGAIN not in row.message)
    failure = next(failures, None)
    if failure is None:
        return None
    return Ending(Reason.STORAGE, provisioning_sentence(failure.message), now, detail=failure.message)


def _not_placed(pod: PodState, *, now: datetime, patience: Patience) -> Ending | None:
    condition = pod.unschedulable
    if pod.placed or condition is None:
        return None
    waited = (now - (condition.since or pod.created or now)).total_seconds()
    absent = absent_sentence(condition.message)
    if absent and waited >= patience.mounting:
        return Ending(Reason.STORAGE, absent, now, detail=condition.message)
    if pod.nominated or patience.placing is None or waited < patience.placing:
        return None
    if sentence := reach_sentence(condition.message):
        return Ending(Reason.STORAGE, sentence, now, detail=condition.message)
    return Ending(Reason.CAPACITY, say("No machine has had room for this server."), now, detail=condition.message)


def _of_container(pod: PodState, row: ContainerState, *, now: datetime, patience: Patience) -> Ending | None:
    waiting = row.waiting_reason
    if waiting in _IMAGE_FINAL:
        return Ending(Reason.IMAGE, say("The name of the image is not valid; administrators can correct it."), now)
    if waiting in _IMAGE_FAILED:
        return _of_image(pod, row, now=now, patience=patience)
    if waiting in _CONFIGURATION:
        return _of_configuration(row, now=now)
    last = row.last_terminated or row.terminated
    if last is not None and row.restarts + (row.terminated is not None) >= MOST_RESTARTS:
        if last.reason == "OOMKilled":
            return Ending(
                Reason.CAPACITY, say("The server needs more memory to start than this hardware has."), last.at
            )
        sentence = say("The server ended again and again while it started, with exit code {code}.", code=last.exit_code)
        return Ending(Reason.UNAVAILABLE, sentence, last.at, show_log=True)
    return None


def _of_configuration(row: ContainerState, *, now: datetime) -> Ending:
    detail = row.waiting_message
    if sentence := folder_sentence(detail):
        return Ending(Reason.STORAGE, sentence, now, detail=detail)
    sentence = say("The server's container could not be made; administrators can see why.")
    return Ending(Reason.UNAVAILABLE, sentence, now, detail=detail)


def _of_image(pod: PodState, row: ContainerState, *, now: datetime, patience: Patience) -> Ending | None:
    text = row.waiting_message.lower()
    if any(word in text for word in ("not found", "manifest unknown", "no such image")):
        return Ending(Reason.IMAGE, say("The image does not exist; administrators can correct the catalogue."), now)
    if any(word in text for word in ("unauthorized", "denied", "authentication required")):
        return Ending(Reason.IMAGE, say("The image may not be fetched; administrators can give the right to."), now)
    scheduled = pod.conditions.get("PodScheduled")
    began = (scheduled.since if scheduled else None) or pod.created or now
    if (now - began).total_seconds() < patience.pulling:
        return None
    return Ending(Reason.IMAGE, say("The image cannot be fetched at the moment."), now)


def _not_mounted(
    pod: PodState, happenings: Iterable[Happening], *, now: datetime, patience: Patience
) -> Iterator[Ending]:
    if not pod.placed or any(row.running for row in pod.containers):
        return
    for happening in happenings:
        if happening.reason not in _MOUNTS:
            continue
        began = happening.first or pod.created or now
        if (now - began).total_seconds() < patience.mounting:
            continue
        yield Ending(Reason.STORAGE, mounting_sentence(happening.message), now, detail=happening.message)
