"""Whether the hub may do what it has to, and no more."""

from collections.abc import Iterable, Iterator

from genkan_hub.deployment.rights import Right, hub_rights

from .diagnoses import Diagnosis, Level, Topic
from .patient import Patient, Question

_TOO_MUCH = {
    ("get", "secrets"): "read secrets",
    ("create", "pods/exec"): "run commands in servers",
    ("delete", "persistentvolumeclaims"): "delete homes",
}
"""What the hub must not be able to do where it starts servers."""

_UPGRADE = "Upgrade the release genkan-platform, with the teams in its values."
_INSTALL = "Install genkan-platform there, or name the hub's namespace and account with --namespace and --account."
_NO_ROLE = "Leave out the role of the hub's own chart: rbac.create: false, unless what needs it is turned on."


def questions(places: tuple[str, ...]) -> Iterator[Question]:
    """Yield what to ask about the hub's account."""
    rights = hub_rights()
    for place in places:
        yield from (_ask(verb, right, place) for right in rights.servers + rights.everywhere for verb in right.verbs)
        yield from (Question(verb, resource, place) for verb, resource in _TOO_MUCH)
    yield from (_ask(verb, right, "") for right in rights.cluster + rights.everywhere for verb in right.verbs)


def examine_rights(patient: Patient) -> Iterator[Diagnosis]:
    """Yield what is missing, what is too much, or that all is well."""
    if not patient.allowed:
        sentence = f"What the account {patient.account} may do cannot be asked from here."
        yield Diagnosis(Topic.RIGHTS, Level.UNKNOWN, sentence, "Run it as an administrator, or in the hub's pod.")
        return
    if not any(allowed for question, allowed in patient.allowed.items() if _own(question)):
        sentence = f"The account {patient.account} of the namespace {patient.namespace} has none of the hub's rights."
        yield Diagnosis(Topic.RIGHTS, Level.PROBLEM, sentence, _INSTALL)
        return
    rights = hub_rights()
    # What is to be in a namespace that does not exist comes with it.
    places = [place for place in patient.places if patient.labels.get(place, {}) is not None]
    missing = _missing(patient, rights.servers, places) + _missing(patient, rights.cluster, [""])
    blind = _missing(patient, rights.everywhere, [""])
    if blind and (unseen := _missing(patient, rights.everywhere, places)):
        missing += unseen
    elif blind:
        sentence = "The hub does not see the pods of others, so that room is promised to nobody."
        yield Diagnosis(Topic.RIGHTS, Level.WARNING, sentence, "If that is not wanted, set hub.seesAllPods.")
    yield from missing
    for place in places:
        for (verb, resource), words in _TOO_MUCH.items():
            if patient.allowed.get(Question(verb, resource, place)):
                sentence = f"The hub may {words} in the namespace {place}, which it has no need of."
                yield Diagnosis(Topic.RIGHTS, Level.WARNING, sentence, _NO_ROLE)
    if not missing:
        sentence = f"{patient.account} has its rights in {', '.join(places)}."
        yield Diagnosis(Topic.RIGHTS, Level.OK, sentence)


def _own(question: Question) -> bool:
    return (question.verb, question.resource) not in _TOO_MUCH


def _missing(patient: Patient, rights: tuple[Right, ...], places: Iterable[str]) -> list[Diagnosis]:
    """Return a diagnosis for each right that the hub lacks, with all the places where it does."""
    found = []
    for right in rights:
        lacking: dict[tuple[str, ...], list[str]] = {}
        for place in places:
            verbs = tuple(verb for verb in right.verbs if not patient.allowed.get(_ask(verb, right, place)))
            lacking.setdefault(verbs, []).append(place)
        for verbs, where in lacking.items():
            if verbs:
                sentence = f"{patient.account} may not {'/'.join(verbs)} {right.resource} {_in(where)}. {right.without}"
                found.append(Diagnosis(Topic.RIGHTS, Level.PROBLEM, sentence, _UPGRADE))
    return found


def _in(places: list[str]) -> str:
    if places == [""]:
        return "in the cluster"
    return f"in the namespace{'s' if len(places) > 1 else ''} {', '.join(places)}"


def _ask(verb: str, right: Right, place: str) -> Question:
    return Question(verb, right.resource, place)
