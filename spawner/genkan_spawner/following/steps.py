"""The steps of a start, each as a sentence for the person who waits."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from genkan_profiles.language.sentences import Sentence, say

from .happenings import Happening
from .pod_state import PodState


class Step(IntEnum):
    """How far a start has come; the value is the percentage of the progress bar."""

    ASKED = 10
    PLACING = 20
    PLACED = 40
    MOUNTING = 45
    PULLING = 50
    PULLED = 70
    STARTING = 80
    RUNNING = 90


@dataclass(frozen=True, slots=True)
class Progress:
    """A step with its sentence."""

    step: Step
    sentence: Sentence


def progress_of(pod: PodState | None, happenings: Iterable[Happening] = ()) -> Progress:
    """Return where a start stands."""
    if pod is None:
        return Progress(Step.ASKED, say("The server was asked for."))
    if not pod.placed:
        return Progress(Step.PLACING, _search(pod))
    if pod.running:
        return Progress(Step.RUNNING, say("The server runs; it is being connected."))
    if any(container.running for container in pod.containers):
        return Progress(Step.STARTING, say("The server is starting up."))
    return _on_machine(pod, happenings)


def _search(pod: PodState) -> Sentence:
    if pod.unschedulable is None:
        return say("A machine is being looked for.")
    if "persistentvolumeclaim" in pod.unschedulable.message.lower():
        # As while a claim is being made, which the scheduler tells in the same way.
        return say("The storage is being prepared.")
    return say("No machine has room yet.")


def _on_machine(pod: PodState, happenings: Iterable[Happening]) -> Progress:
    newest = None
    for happening in happenings:
        if happening.reason in _SENTENCES:
            newest = happening.reason
    if newest is None:
        sentence = say("A place was found on {machine}; storage and image are being prepared.", machine=pod.node)
        return Progress(Step.PLACED, sentence)
    step, sentence = _SENTENCES[newest]
    return Progress(step, sentence)


_SENTENCES = {
    "FailedMount": (Step.MOUNTING, say("The storage could not be mounted yet; it is tried again.")),
    "FailedAttachVolume": (Step.MOUNTING, say("The storage is not free yet; it is tried again.")),
    "SuccessfulAttachVolume": (Step.MOUNTING, say("The storage is attached.")),
    "Pulling": (Step.PULLING, say("The image is being fetched; the first time on a machine this takes minutes.")),
    "Pulled": (Step.PULLED, say("The image is there.")),
    "Created": (Step.STARTING, say("The server is starting up.")),
    "Started": (Step.STARTING, say("The server is starting up.")),
}
"""By the kubelet's own reasons."""
