"""Keeping a pod to one machine, beside what it asks for already."""

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.starting.pinning import pinned

from ..checks.clusters import manifest, node

GPU = {"matchExpressions": [{"key": "gpu", "operator": "In", "values": ["yes"]}]}
OTHER = {"matchFields": [{"key": "metadata.name", "operator": "NotIn", "values": ["c"]}]}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize("terms", [None, [GPU], [GPU, OTHER]])
@pytest.mark.parametrize(("name", "labels"), [("a", {"gpu": "yes"}), ("a", {}), ("b", {"gpu": "yes"}), ("c", {})])
def test_only_the_machine_is_left_and_only_if_it_was_chosen(
    terms: list[JsonObject] | None, name: str, labels: dict[str, str]
) -> None:
    affinity = {} if terms is None else {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}
    before = manifest(affinity={**affinity, "podAffinity": {}})
    machine = node(name, labels=labels)
    chosen = demand_of(before).placement.chooses(machine)

    after = pinned(before, "a")

    assert demand_of(after).placement.chooses(machine) is (chosen and name == "a")
    assert after["spec"]["affinity"]["podAffinity"] == {}


def test_without_a_machine_nothing_changes_and_what_was_given_is_left_alone() -> None:
    before = manifest(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [GPU]}}})
    assert pinned(before, "") is before
    pinned(before, "a")
    assert before["spec"]["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"] == [GPU]
    assert "affinity" not in manifest()["spec"]
