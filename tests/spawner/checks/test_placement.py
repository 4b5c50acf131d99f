"""Every operator of node affinity and every kind of taint, as the scheduler reads them."""

from typing import Any

import pytest

from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.exceptions import ManifestError
from genkan_spawner.checks.taints import hard_taints, untolerated

from .clusters import demand, manifest, node

NODE = node("a-0", labels={"kind": "a", "rank": "10", "word": "ten", "empty": ""})


def required(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}}


def row(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        (row("kind", "In", "a", "b"), True),
        (row("kind", "In", "b"), False),
        (row("none", "In", "a"), False),
        (row("kind", "NotIn", "b"), True),
        (row("kind", "NotIn", "a"), False),
        (row("none", "NotIn", "a"), True),
        (row("empty", "In", ""), True),
        (row("kind", "Exists"), True),
        (row("empty", "Exists"), True),
        (row("none", "Exists"), False),
        (row("kind", "DoesNotExist"), False),
        (row("none", "DoesNotExist"), True),
        (row("rank", "Gt", "9"), True),
        (row("rank", "Gt", "10"), False),
        (row("rank", "Lt", "11"), True),
        (row("rank", "Lt", "10"), False),
        (row("word", "Gt", "0"), False),
        (row("word", "Lt", "100"), False),
        (row("none", "Gt", "0"), False),
        (row("rank", "Gt", "x"), False),
        (row("rank", "Lt", "x"), False),
        (row("none", "Lt", "0"), False),
    ],
    ids=lambda value: (
        f"{value['key']} {value['operator']} {','.join(value['values'])}" if isinstance(value, dict) else ""
    ),
)
def test_an_expression_is_compared(expression: dict[str, Any], *, holds: bool) -> None:
    placement = demand(affinity=required({"matchExpressions": [expression]})).placement

    assert placement.chooses(NODE) is holds


@pytest.mark.parametrize(
    ("terms", "holds"),
    [
        ([{}], False),
        ([{}, {"matchExpressions": [row("kind", "In", "a")]}], True),
        ([{"matchExpressions": [row("kind", "In", "a"), row("rank", "In", "9")]}], False),
        ([{"matchExpressions": [row("kind", "In", "b")]}, {"matchExpressions": [row("rank", "In", "10")]}], True),
        ([{"matchFields": [row("metadata.name", "In", "a-0")]}], True),
        ([{"matchFields": [row("metadata.name", "In", "b-0")]}], False),
        ([{"matchFields": [row("metadata.name", "NotIn", "a-0")]}], False),
        ([{"matchFields": [row("metadata.name", "NotIn", "b-0")]}], True),
        (
            [{"matchFields": [row("metadata.name", "In", "a-0")], "matchExpressions": [row("kind", "In", "b")]}],
            False,
        ),
    ],
)
def test_one_of_the_terms_has_to_hold_as_a_whole(terms: list[dict[str, Any]], *, holds: bool) -> None:
    assert demand(affinity=required(*terms)).placement.chooses(NODE) is holds


@pytest.mark.parametrize(
    ("spec", "holds"),
    [
        ({}, True),
        ({"nodeSelector": {"kind": "a"}}, True),
        ({"nodeSelector": {"kind": "b"}}, False),
        ({"nodeSelector": {"none": ""}}, False),
        ({"nodeSelector": {"empty": ""}}, True),
        ({"nodeName": "a-0"}, True),
        ({"nodeName": "b-0"}, False),
        ({"nodeSelector": {"kind": "a"}, "affinity": required({"matchExpressions": [row("rank", "In", "1")]})}, False),
    ],
)
def test_a_selector_and_a_name_have_to_hold_too(spec: dict[str, Any], *, holds: bool) -> None:
    assert demand(**spec).placement.chooses(NODE) is holds


@pytest.mark.parametrize(
    ("term", "sentence"),
    [
        ({"matchExpressions": [row("kind", "In")]}, "matchExpressions[0].values: With In this must have at least one"),
        (
            {"matchExpressions": [row("kind", "Exists", "a")]},
            "matchExpressions[0].values: With Exists this must be empty",
        ),
        (
            {"matchExpressions": [row("rank", "Lt", "1", "2")]},
            "matchExpressions[0].values: With Lt this must be one whole",
        ),
        ({"matchExpressions": [row("", "Exists")]}, "matchExpressions[0].key: This must name a label"),
        ({"matchExpressions": [row("kind", "Near", "a")]}, "matchExpressions[0].operator: 'Near' is not allowed here"),
        ({"matchFields": [row("metadata.uid", "In", "a")]}, "matchFields[0]: Fields can only be metadata.name"),
        ({"matchFields": [row("metadata.name", "Exists")]}, "matchFields[0]: Fields can only be metadata.name"),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)
def test_a_mistake_in_a_term_is_told_with_its_place(term: dict[str, Any], sentence: str) -> None:
    place = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"

    with pytest.raises(ManifestError) as refusal:
        demand_of(manifest(affinity=required(term)))

    assert str(refusal.value).startswith(f"{place}.{sentence}")


def test_affinity_without_terms_is_a_mistake() -> None:
    with pytest.raises(ManifestError, match="nodeSelectorTerms: This must have at least one entry"):
        demand_of(manifest(affinity=required()))


@pytest.mark.parametrize(
    ("taint", "toleration", "kept_away"),
    [
        ("a=x:NoSchedule", None, True),
        ("a=x:NoExecute", None, True),
        ("a=x:PreferNoSchedule", None, False),
        ("a=x:NoSchedule", {"key": "a", "operator": "Exists"}, False),
        ("a=x:NoSchedule", {"operator": "Exists"}, False),
        ("a=x:NoSchedule", {"operator": "Exists", "effect": "NoExecute"}, True),
        ("a=x:NoSchedule", {"key": "a", "value": "x"}, False),
        ("a=x:NoSchedule", {"key": "a", "operator": "Equal", "value": "y"}, True),
        ("a:NoSchedule", {"key": "a"}, False),
        ("a=x:NoSchedule", {"key": "b", "operator": "Exists"}, True),
        ("a=x:NoExecute", {"key": "a", "value": "x", "effect": "NoSchedule"}, True),
        ("a=5:NoSchedule", {"key": "a", "operator": "Gt", "value": "1"}, True),
        ("node.kubernetes.io/not-ready:NoExecute", None, False),
        ("node.kubernetes.io/unreachable:NoExecute", None, False),
        ("node.kubernetes.io/unreachable:NoSchedule", None, True),
    ],
)
def test_a_taint_keeps_away_what_does_not_tolerate_it(
    taint: str, toleration: dict[str, str] | None, *, kept_away: bool
) -> None:
    placement = demand(tolerations=[toleration] if toleration else []).placement

    found = untolerated(hard_taints(node(taints=[taint])), placement.tolerations)

    assert (found is not None) is kept_away


@pytest.mark.parametrize(
    ("state", "key"),
    [({"cordoned": True}, "node.kubernetes.io/unschedulable"), ({"ready": False}, "node.kubernetes.io/not-ready")],
)
def test_a_node_that_is_cordoned_or_not_ready_counts_as_tainted(state: dict[str, bool], key: str) -> None:
    bare = node(**state)  # type: ignore[arg-type]  # two flags of the same type
    marked = node(taints=[f"{key}:NoSchedule"], **state)  # type: ignore[arg-type]

    assert [taint.key for taint in hard_taints(bare)] == [key]
    assert hard_taints(bare) == hard_taints(marked)
