from pathlib import Path

import pytest

from genkan_sandbox import operations
from genkan_sandbox.agent.faults import FaultKind
from genkan_sandbox.exceptions import OptionError, StateError
from genkan_sandbox.fault_command import add_fault, change_faults
from genkan_sandbox.state import StateDirectory

from ..support.fake_cluster import FakeCluster


@pytest.mark.parametrize("match", [["kind=x"], ["pytorch"], ["image=a", "image=b"]], ids=["kind", "no field", "twice"])
def test_words_that_name_nobody_are_refused(match: list[str], tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"does not say whom a fault concerns.*image="):
        add_fault(tmp_path / "kubeconfig", FaultKind.IMAGE_MISSING, match)


def test_a_field_that_the_fault_has_not_is_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"That is no image-missing fault .*volume"):
        add_fault(tmp_path / "kubeconfig", FaultKind.IMAGE_MISSING, ["volume=home"])


async def test_faults_are_merged_and_removed_by_key() -> None:
    api = FakeCluster()
    assert await change_faults(api, {"one": "1"}) == {"one": "1"}
    assert await change_faults(api, {"two": "2", "one": None}) == {"two": "2"}


def test_a_sandbox_that_never_ran_has_no_administrator(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="never run"):
        operations.administrator(StateDirectory.open(tmp_path / "state"))
