import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles import Catalogue, DocumentError, Problem
from genkan_profiles.documents import parse_document
from genkan_profiles.violations import path_text

from ..support.broken_rules import LARGE, MUTATIONS
from ..support.catalogues import Document, as_blocks, as_flow, as_json, documents, written
from ..support.mutations import Mutation, Path

DIGEST = f"@sha256:{'0a' * 32}"
SEEN: Document = {"display_name": "日本語 & <b>", "description": "A sentence.", "groups": ["vision"]}
ALL_FIELDS: Document = {
    "hardware": [
        {"slug": "cpu", "display_name": "CPU", "cpu": 2, "memory": "8Gi", "default": True, "rescue": True},
        {
            **SEEN,
            "slug": "card",
            "cpu": "500m",
            "cpu_limit": 4,
            "memory": "1.5Ti",
            "shared_memory": "1Gi",
            "gpu": {"count": 1, "resource": "nvidia.com/gpu", "product": ["Tesla-T4", "Example-X1"]},
            "node_selector": {"pool": "a", "example.org/rack": ""},
            "when_full": "wait",
            "tolerations": [
                {"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"},
                {"operator": "Exists"},
            ],
        },
        {"slug": "slice", "display_name": "MIG", "cpu": 1, "memory": 2**32,
         "gpu": {"count": 1, "resource": "nvidia.com/mig-1g.10gb", "product": "NVIDIA-H200"}},
        {"slug": "amd", "display_name": "AMD", "cpu": 1, "memory": "9Gi",
         "gpu": {"count": 1, "resource": "amd.com/gpu", "product": "MI210", "product_label": "amd.com/name"}},
        {"slug": "any", "display_name": "A", "cpu": 1, "memory": "9Gi", "gpu": {"count": 1, "resource": "amd.com/gpu"}},
    ],
    "images": [
        {"slug": "plain", "display_name": "Plain", "image": "a:1", "default": True},
        {**SEEN, "slug": "torch", "image": f"registry.example.org/torch:1{DIGEST}", "framework": "PyTorch 2.14",
         "runs_on": "gpu", "cuda": "13.0", "min_driver": "580", "min_compute_capability": "7.5"},
    ],
    "priorities": [
        {"slug": "normal", "display_name": "Normal", "priority_class": "genkan-normal", "default": True},
        {**SEEN, "slug": "high", "priority_class": "genkan-high"},
    ],
    "teams": [
        {"group": "vision", "display_name": "Vision", "description": "See.", "namespace": "vision"},
        {"group": "Lab 7", "slug": "lab", "display_name": "Lab", "namespace": "lab"},
        {"slug": "all", "display_name": "All", "namespace": "all"},
    ],
    "volumes": [
        {"slug": "data", "display_name": "Data", "groups": ["vision"], "mount_path": "/data", "claim": "data",
         "sub_path": "a/b", "read_only": True, "hardware": ["cpu", "card"]},
        {"slug": "scratch", "display_name": "Scratch", "mount_path": "/scratch",
         "scratch": {"size": "10Gi", "caches": True}},
        {"slug": "share", "display_name": "Share", "mount_path": "/home/jovyan/share", "claim": "share", "gid": 3001,
         "fill": {"hub_path": "/srv/share"}},
    ],
    "homes": {
        "kind": "shared", "claim": "homes", "folder": "home", "names": "escaped",
        "folders": {"ann": "a.smith", "b": "x/b"},
        "fill": {"hub_path": "/srv/homes", "warn_from": 80, "refuse_from": 97, "largest": "/srv/largest.json"},
        "ownership": {"uid": 1000, "gid": 100},
    },
    "own_image": {"display_name": "Own", "pattern": "registry.*", "message": "No.", "groups": ["vision"]},
    "gpu_products": [
        {"product": "Example-X1", "family": "x", "compute_capability": "9.0", "memory": 1024, "mig": True},
        {"product": "Example-X2", "family": "x", "compute_capability": "7.5", "memory": 1024},
    ],
}  # fmt: skip
UNMARKED = {
    section: [{field: value for field, value in row.items() if field != "default"} for row in rows]
    if isinstance(rows, list)
    else rows
    for section, rows in ALL_FIELDS.items()
}

CLAIMED: Document = {
    **UNMARKED,
    "homes": {
        "kind": "claim", "size": "10Gi", "storage_class": "fast", "access_mode": "ReadWriteMany",
        "ownership": {"uid_claim": "uidNumber", "gid_claim": "gidNumber", "fs_gid": 100},
    },
}  # fmt: skip
DOCUMENTS = (ALL_FIELDS, UNMARKED, CLAIMED)


def problems(text: str) -> tuple[Problem, ...]:
    try:
        parse_document(text, Catalogue, source="c.yaml")
    except DocumentError as error:
        return error.problems
    return ()


def check(mutation: Mutation, document: Document, path: Path, text: str) -> None:
    """The problem is told at its place and in its words, and nothing else is but what comes of it."""
    place = path_text(mutation.reported_path(path))
    line, column = mutation.position(text, path)
    found = problems(text)

    told = [problem for problem in found if problem.path == place and mutation.words in problem.sentence]
    assert [str(problem).split(": ")[0] for problem in told] == [f"c.yaml:{line}:{column}"], found
    others = [problem.sentence for problem in found if problem not in told]
    assert [text for text in others if not (mutation.consequences and re.match(mutation.consequences, text))] == []


def test_the_documents_that_are_changed_are_right() -> None:
    assert all(problems(as_blocks(document)) == () for document in DOCUMENTS)


@pytest.mark.parametrize("mutation", [*MUTATIONS, *LARGE], ids=lambda mutation: mutation.name)
def test_a_broken_rule_is_told_at_its_place(mutation: Mutation) -> None:
    places = [(document, path) for document in DOCUMENTS for path in mutation.places(document)]
    assert places, "no row of the document can break this rule"
    writers = (as_json, as_flow) if mutation in LARGE else (as_json, as_flow, as_blocks)
    for number, (document, path) in enumerate(places[:3]):
        broken = mutation.broken(document, path)
        for write in writers if number == 0 else [writers[number % len(writers)]]:
            check(mutation, broken, path, write(broken))


def test_every_field_of_every_model_is_broken_once() -> None:
    assert set(fields(Catalogue.model_json_schema())) - {mutation.where for mutation in MUTATIONS} == set()


@given(documents(), st.data())
def test_one_broken_rule_in_any_catalogue_is_told_at_its_place(document: Document, data: st.DataObject) -> None:
    places = [(mutation, path) for mutation in MUTATIONS for path in mutation.places(document)]
    mutation, path = data.draw(st.sampled_from(places))
    broken = mutation.broken(document, path)

    check(mutation, broken, path, data.draw(written(broken)))


def fields(schema: dict[str, Any], part: dict[str, Any] | None = None, way: str = "") -> Iterator[str]:
    """Every field of a model and of those within it, by the way there."""
    part = schema if part is None else part
    if "$ref" in part:
        yield from fields(schema, schema["$defs"][part["$ref"].rsplit("/", maxsplit=1)[-1]], way)
    for choice in part.get("anyOf", ()):
        yield from fields(schema, choice, way)
    if "items" in part:
        yield from fields(schema, part["items"], f"{way}.*")
    for name, field in part.get("properties", {}).items():
        yield f"{way}.{name}".lstrip(".")
        yield from fields(schema, field, f"{way}.{name}")
