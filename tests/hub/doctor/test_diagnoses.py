"""What the doctor says of what it sees."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from genkan_hub.deployment.rights import hub_rights
from genkan_hub.doctor.cluster import examine_namespaces, examine_priorities, examine_version
from genkan_hub.doctor.diagnoses import Diagnosis, Level, Topic, in_order, worst
from genkan_hub.doctor.offers import examine_images, examine_labels, examine_offers, examine_shares
from genkan_hub.doctor.patient import Patient, Question, Trial
from genkan_hub.doctor.rights import examine_rights
from genkan_profiles.language.sentences import Sentence
from genkan_spawner.checks.findings import Check, Finding, State
from genkan_spawner.cluster.snapshot import Source

from .patients import DIGEST, GPU, catalogue, patient, rights_of, snapshot

EXAMINATIONS: tuple[Callable[[Patient], Iterable[Diagnosis]], ...] = (
    examine_version,
    examine_rights,
    examine_namespaces,
    examine_priorities,
    examine_offers,
    examine_shares,
    examine_labels,
    examine_images,
)


def told(found: Iterable[Diagnosis], *levels: Level) -> list[str]:
    wanted = levels or (Level.UNKNOWN, Level.WARNING, Level.PROBLEM)
    return [one.sentence for one in found if one.level in wanted]


def test_where_all_is_well_each_topic_says_so(tmp_path: Path) -> None:
    one = patient(tmp_path)
    found = [row for examine in EXAMINATIONS for row in examine(one)]

    assert told(found) == []
    assert {row.topic for row in found} == set(Topic) - {Topic.CATALOGUE}
    assert worst(found) is Level.OK


def test_every_problem_has_a_mend(tmp_path: Path) -> None:
    trial = Trial("card", "torch", "vision", tuple(refusal(check) for check in Check))
    sick = patient(
        tmp_path,
        version=(1, 28),
        catalogue=catalogue(tmp_path, images=[{"slug": "x", "display_name": "X", "image": "registry.example.org/x:1"}]),
        snapshot=snapshot(classes={"genkan-normal": 10**9}, quotas={}, labels={}),
        labels={"genkan": None, "vision": None, "language": {}},
        trials=(trial,),
        allowed=rights_of(patient(tmp_path), without=tuple(rights_of(patient(tmp_path)))),
    )
    found = [row for examine in EXAMINATIONS for row in examine(sick) if row.level is not Level.OK]

    assert {row.topic for row in found} == set(Topic) - {Topic.CATALOGUE}
    assert [row for row in found if not row.mend] == []
    assert worst(found) is Level.PROBLEM


def refusal(check: Check) -> Finding:
    return Finding(check, State.REFUSED, Sentence.quoted(f"{check.value} says no."), ever=False)


@pytest.mark.parametrize("version", [(1, 31), (1, 9), (0, 0)])
def test_a_cluster_that_is_too_old(tmp_path: Path, version: tuple[int, int]) -> None:
    assert "1.32 and newer" in told(examine_version(patient(tmp_path, version=version)))[0]


@pytest.mark.parametrize("right", [*hub_rights().servers, *hub_rights().cluster], ids=lambda right: right.resource)
def test_a_right_that_is_missing_is_told_with_what_is_lost(tmp_path: Path, right: Any) -> None:
    well = patient(tmp_path)
    place = "vision" if right in hub_rights().servers else ""
    without = tuple(Question(verb, right.resource, place) for verb in right.verbs)
    sick = patient(tmp_path, allowed=rights_of(well, without=without))

    where = "the namespace vision" if place else "the cluster"
    assert told(examine_rights(sick), Level.PROBLEM) == [
        f"genkan-hub may not {'/'.join(right.verbs)} {right.resource} in {where}. {right.without}"
    ]


def test_a_hub_that_sees_its_own_namespaces_alone_is_a_choice(tmp_path: Path) -> None:
    well = patient(tmp_path)
    everywhere = tuple(Question(verb, "pods", "") for verb in ("list", "watch"))

    found = list(examine_rights(patient(tmp_path, allowed=rights_of(well, without=everywhere))))

    assert told(found, Level.PROBLEM) == []
    assert told(found, Level.WARNING) == [
        "The hub does not see the pods of others, so that room is promised to nobody."
    ]


def test_a_hub_that_sees_no_pods_at_all_is_none(tmp_path: Path) -> None:
    well = patient(tmp_path)
    nowhere = tuple(one for one in rights_of(well) if one.verb == "list" and one.resource == "pods")

    found = told(examine_rights(patient(tmp_path, allowed=rights_of(well, without=nowhere))), Level.PROBLEM)

    assert [sentence.partition(". ")[0] for sentence in found] == [
        "genkan-hub may not list pods in the namespaces genkan, vision, language"
    ]


def test_a_hub_without_any_rights_is_told_once(tmp_path: Path) -> None:
    """And not with each of them."""
    nothing = dict.fromkeys(rights_of(patient(tmp_path)), False)

    assert told(examine_rights(patient(tmp_path, allowed=nothing)), Level.PROBLEM) == [
        "The account genkan-hub of the namespace genkan has none of the hub's rights."
    ]


def test_a_namespace_that_is_missing_is_told_once(tmp_path: Path) -> None:
    """And not with each of the rights that would be in it."""
    well = patient(tmp_path)
    nothing = tuple(one for one in rights_of(well) if one.namespace == "vision")

    sick = patient(tmp_path, allowed=rights_of(well, without=nothing), labels={**well.labels, "vision": None})

    assert told(examine_rights(sick)) == []


def test_more_rights_than_needed_are_told(tmp_path: Path) -> None:
    well = patient(tmp_path)
    allowed = {**rights_of(well), Question("get", "secrets", "genkan"): True}

    (sentence,) = told(examine_rights(patient(tmp_path, allowed=allowed)), Level.WARNING)

    assert sentence == "The hub may read secrets in the namespace genkan, which it has no need of."


def test_rights_that_nobody_may_ask_about_are_unknown(tmp_path: Path) -> None:
    (one,) = examine_rights(patient(tmp_path, allowed={}))

    assert one.level is Level.UNKNOWN


def test_a_hub_whose_users_are_all_in_a_team_starts_nothing_in_its_own_namespace(tmp_path: Path) -> None:
    everybody = [{"slug": "all", "display_name": "A", "namespace": "everybody"}]

    assert patient(tmp_path, catalogue=catalogue(tmp_path, teams=everybody)).places == ("everybody",)
    assert patient(tmp_path).places == ("genkan", "vision", "language")


def test_namespaces_that_are_missing_lax_or_unseen(tmp_path: Path) -> None:
    found = list(examine_namespaces(patient(tmp_path, labels={"vision": None, "language": {}})))

    assert told(found, Level.PROBLEM) == ["The namespace vision of the team vision does not exist."]
    assert told(found, Level.WARNING) == ["The namespace language holds pods to no Pod Security Standard."]
    assert told(found, Level.UNKNOWN) == ["Namespaces cannot be read from here: genkan."]


def test_a_class_that_would_push_the_hub_out(tmp_path: Path) -> None:
    one = patient(tmp_path, snapshot=snapshot(classes={"genkan-core": 5, "genkan-normal": 5}))

    assert "could push the hub out" in told(examine_priorities(one), Level.PROBLEM)[0]


def test_a_team_without_a_share_of_the_gpus(tmp_path: Path) -> None:
    one = patient(tmp_path, snapshot=snapshot(quotas={"vision": {f"requests.{GPU}": 4}, "language": {"pods": 10}}))

    assert told(examine_shares(one)) == [f"The team language has no share of {GPU}: it may take all that there are."]


def test_one_reason_is_told_once_with_all_that_it_concerns(tmp_path: Path) -> None:
    driver = Finding(Check.DRIVER, State.REFUSED, Sentence.quoted("Driver 580 is needed."), ever=False)
    trials = tuple(
        Trial(hardware, "torch", team, (driver,)) for hardware in ("a", "b") for team in ("vision", "language")
    )

    found = list(examine_offers(patient(tmp_path, trials=trials)))

    assert told(found) == ["a, b with torch: Driver 580 is needed."]
    assert {row.topic for row in found if row.level is Level.OK} == {Topic.SHARES, Topic.MACHINES, Topic.STORAGE}


def test_shares_are_told_by_team(tmp_path: Path) -> None:
    quota = Finding(Check.QUOTA, State.REFUSED, Sentence.quoted("Your team's whole share is 2."), ever=False)
    trials = tuple(Trial(f"h{number}", "torch", "vision", (quota,)) for number in range(5))

    assert told(examine_offers(patient(tmp_path, trials=trials))) == [
        "h0, h1, h2 and 2 more for vision: Your team's whole share is 2."
    ]


def test_cards_without_labels(tmp_path: Path) -> None:
    assert (
        "gpu-0: machines with GPUs and without labels"
        in told(examine_labels(patient(tmp_path, snapshot=snapshot(labels={}))))[0]
    )


@pytest.mark.parametrize(
    ("image", "levels"),
    [
        (f"registry.lab/x:1{DIGEST}", [Level.OK]),
        ("registry.lab/x:1", [Level.WARNING]),
        (f"registry.example.org/x{DIGEST}", [Level.PROBLEM, Level.OK]),
    ],
)
def test_images(tmp_path: Path, image: str, levels: list[Level]) -> None:
    images = [{"slug": "x", "display_name": "X", "image": image}]

    found = examine_images(patient(tmp_path, catalogue=catalogue(tmp_path, images=images)))

    assert [row.level for row in found] == levels


@pytest.mark.parametrize(
    ("examine", "source"),
    [(examine_priorities, Source.PRIORITY_CLASSES), (examine_shares, Source.QUOTAS), (examine_labels, Source.NODES)],
)
def test_what_cannot_be_read_is_unknown_and_not_empty(
    tmp_path: Path, examine: Callable[[Patient], Iterable[Diagnosis]], source: Source
) -> None:
    found = list(examine(patient(tmp_path, snapshot=snapshot(unseen=(source,)))))

    assert [row.level for row in found] == [Level.UNKNOWN]


def test_the_worst_comes_first_in_its_topic_and_nothing_twice() -> None:
    rows = [Diagnosis(Topic.IMAGES, level, "x") for level in (Level.OK, Level.PROBLEM, Level.PROBLEM)]

    found = in_order([*rows, Diagnosis(Topic.CLUSTER, Level.OK, "y")])

    assert [(one.topic, one.level) for one in found] == [
        (Topic.CLUSTER, Level.OK),
        (Topic.IMAGES, Level.PROBLEM),
        (Topic.IMAGES, Level.OK),
    ]
