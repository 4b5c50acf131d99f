import asyncio
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from genkan_sandbox.agent.faults import (
    FaultBoard,
    FaultKind,
    ImageMissing,
    InvalidImage,
    MountFailure,
    OutOfMemory,
    SilentNode,
    SlowPull,
    fault_entry,
    read_faults,
)

from .manifests import pod_record

POD = pod_record("jupyter-ann")


def board(*entries: dict[str, str]) -> FaultBoard:
    made = FaultBoard()
    made.post({key: value for entry in entries for key, value in entry.items()})
    return made


def test_an_entry_is_the_same_for_the_same_fault_and_fit_for_a_config_map() -> None:
    entry = fault_entry("image-missing", image=".*torch.*")

    assert entry == fault_entry(FaultKind.IMAGE_MISSING, image=".*torch.*")
    assert entry != fault_entry("image-missing", image=".*flow.*")
    (key, text), *_ = entry.items()
    assert key.startswith("image-missing-")
    assert json.loads(text) == {"kind": "image-missing", "image": ".*torch.*"}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "earthquake"},
        {"kind": "image-missing", "imgae": "x"},
        {"kind": "image-missing", "image": "("},
        {"kind": "silent-node"},
        {"kind": "slow-pull", "seconds": -1},
        {"kind": "slow-pull", "seconds": "soon"},
    ],
)
def test_a_fault_that_cannot_be_is_refused(fault: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        fault_entry(**fault)


def test_entries_may_be_json_or_yaml() -> None:
    found = read_faults(
        {
            "a": '{"kind": "slow-pull", "seconds": 3}',
            "b": "kind: silent-node\nnode: a-.*",
            "c": "kind: mount-failure\nclaim: home-ann",
            "d": "{kind: out-of-memory}",
            "e": "{kind: invalid-image}",
        }
    )

    assert found == {
        "a": SlowPull(seconds=3),
        "b": SilentNode(node="a-.*"),
        "c": MountFailure(claim="home-ann"),
        "d": OutOfMemory(),
        "e": InvalidImage(),
    }


@pytest.mark.parametrize(
    "text",
    ["", "[", "5", "null", "a: b: c", "kind: x", "2020-13-45", "{kind: image-missing, image: '('}", "\0", "[" * 5000],
)
def test_a_bad_entry_is_named_and_the_others_work(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read_faults({"bad": text, "good": "{kind: image-missing}"})

    assert found == {"good": ImageMissing()}
    assert "The fault bad is" in caplog.text
    assert len([record for record in caplog.records if record.name.startswith("genkan")]) == 1


@given(st.text(max_size=60))
def test_no_text_ends_the_reading(text: str) -> None:
    assert set(read_faults({"any": text})) <= {"any"}


def test_patterns_match_whole_texts() -> None:
    faults = board(fault_entry("silent-node", node="a-1"), fault_entry("image-missing", pod="jupyter", image=".*"))

    assert faults.silent("a-1")
    assert not faults.silent("a-10")
    assert faults.image_fault(POD, "lab:1") is None


def test_image_faults_are_for_some_images_of_some_pods() -> None:
    faults = board(
        fault_entry("image-missing", image="lab:.*", pod="jupyter-.*", namespace="default", node="a-0"),
        fault_entry("invalid-image", image="LAB"),
    )

    assert isinstance(faults.image_fault(POD, "lab:1"), ImageMissing)
    assert isinstance(faults.image_fault(POD, "LAB"), InvalidImage)
    assert faults.image_fault(POD, "other:1") is None
    assert faults.image_fault(pod_record("other"), "lab:1") is None


def test_the_slowest_pull_counts() -> None:
    faults = board(fault_entry("slow-pull", seconds=5), fault_entry("slow-pull", seconds=9, image="lab:1"))

    assert faults.pull_seconds(POD, "lab:1") == 9
    assert faults.pull_seconds(POD, "lab:2") == 5
    assert FaultBoard().pull_seconds(POD, "lab:2") == 0


@pytest.mark.parametrize(
    ("fault", "volume", "claim", "hit"),
    [
        ({"volume": "home"}, "home", None, True),
        ({"volume": "home"}, "data", "home", False),
        ({"claim": "claim-.*"}, "home", "claim-ann", True),
        ({"claim": "claim-.*"}, "home", None, False),
        ({"pod": "other"}, "home", None, False),
        ({}, "home", None, True),
    ],
)
def test_mounts_fail_by_volume_or_claim(fault: dict[str, str], volume: str, claim: str | None, hit: bool) -> None:
    found = board(fault_entry("mount-failure", **fault)).mount_fault(POD, volume, claim)

    assert (found is not None) is hit


def test_memory_faults_may_be_for_one_container() -> None:
    faults = board(fault_entry("out-of-memory", container="notebook", seconds=2))

    assert faults.memory_fault(POD, "notebook") == OutOfMemory(container="notebook", seconds=2)
    assert faults.memory_fault(POD, "sidecar") is None


async def test_waiting_ends_with_a_change_and_only_then() -> None:
    faults = FaultBoard()
    entry = fault_entry("image-missing")

    assert not await faults.changed(seconds=0)
    waiting = asyncio.create_task(faults.changed())
    await asyncio.sleep(0)
    faults.post({})
    await asyncio.sleep(0)
    assert not waiting.done()
    faults.post(entry)
    assert await waiting
    waiting = asyncio.create_task(faults.changed(seconds=60))
    await asyncio.sleep(0)
    faults.post({})
    assert await waiting
