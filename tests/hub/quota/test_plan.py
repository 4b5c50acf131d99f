"""`genkan quota plan`: what a share of a cluster is."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from genkan_hub.cli import app
from genkan_hub.quota.capacity import capacity, is_for_servers
from genkan_hub.quota.exceptions import QuotaError
from genkan_hub.quota.shares import parse_part, planned, remarks, shares, values
from genkan_profiles.quantities import parse_quantity
from genkan_spawner.api import JsonObject

RUN = CliRunner()
GPU = "nvidia.com/gpu"


def node(name: str = "a", *, taints: tuple[str, ...] = (), devices: dict[str, str] | None = None) -> JsonObject:
    amounts = {
        "cpu": "8",
        "memory": "32Gi",
        "pods": "110",
        "ephemeral-storage": "1Ti",
        "hugepages-2Mi": "0",
        **(devices or {}),
    }
    spec = {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]} if taints else {}
    return {"metadata": {"name": name}, "spec": spec, "status": {"allocatable": amounts}}


def pod(*, owner: str = "", on: str = "a", phase: str = "Running", **requests: str) -> JsonObject:
    owners = [{"kind": owner}] if owner else []
    return {
        "metadata": {"ownerReferences": owners},
        "spec": {"nodeName": on, "containers": [{"resources": {"requests": requests}}]},
        "status": {"phase": phase},
    }


def test_devices_of_each_kind_count_and_nothing_that_is_none() -> None:
    slice_ = "nvidia.com/mig-1g.10gb"

    found = capacity([node(devices={GPU: "2", slice_: "7"}), node("b", devices={GPU: "4"})], [])

    assert found == {"cpu": 16, "memory": 64 * 2**30, GPU: 6, slice_: 7}
    assert list(found) == ["cpu", "memory", GPU, slice_]


def test_what_a_machine_needs_for_itself_is_for_nobody() -> None:
    pods = [
        pod(owner="DaemonSet", cpu="500m", memory="1Gi"),
        pod(owner="Node", cpu="100m"),
        pod(owner="ReplicaSet", cpu="4"),
        pod(cpu="2"),
        pod(owner="DaemonSet", on="elsewhere", cpu="1"),
        pod(owner="DaemonSet", phase="Failed", cpu="1"),
    ]

    assert capacity([node()], pods) == {"cpu": Decimal("7.4"), "memory": 31 * 2**30}


def test_a_machine_that_gives_more_than_it_has_gives_nothing() -> None:
    assert capacity([node()], [pod(owner="DaemonSet", cpu="100")])["cpu"] == 0


@pytest.mark.parametrize("taint", ["node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master"])
def test_the_control_plane_is_not_for_servers(taint: str) -> None:
    assert not is_for_servers(node(taints=(taint,)))
    assert is_for_servers(node(taints=("nvidia.com/gpu",)))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("1/3", Fraction(1, 3)),
        ("30%", Fraction(3, 10)),
        ("0.25", Fraction(1, 4)),
        ("12.5 %", Fraction(1, 8)),
        ("1", Fraction(1)),
    ],
)
def test_a_share_is_written_as_people_do(text: str, part: Fraction) -> None:
    assert parse_part(text) == part


@pytest.mark.parametrize(
    "text", ["", "0", "1/0", "4/3", "-1/3", "200%", "a third", "1/3/3", "1e9", "½", "1" * 100, "nan"]
)
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(QuotaError, match="is no share of a cluster; write 1/3"):
        parse_part(text)


@given(
    cpu=st.integers(0, 10**6),
    gpus=st.integers(0, 10**4),
    memory=st.integers(0, 2**50),
    parts=st.lists(st.integers(1, 50), min_size=1, max_size=20),
)
def test_shares_of_a_whole_never_add_up_to_more_than_there_is(
    cpu: int, gpus: int, memory: int, parts: list[int]
) -> None:
    has = {"cpu": Decimal(cpu) / 1000, "memory": Decimal(memory), GPU: Decimal(gpus)}
    teams = shares([f"team-{number}={part}/{sum(parts)}" for number, part in enumerate(parts)], None)

    quotas = [planned(team, has) for team in teams]

    for name, amount in has.items():
        assert sum(parse_quantity(quota.hard[f"requests.{name}"]) for quota in quotas) <= amount
    assert not any("add up" in remark for remark in remarks(quotas, has))


def test_a_plan_is_values_of_the_chart() -> None:
    has = {"cpu": Decimal(100), "memory": Decimal(400 * 2**30), GPU: Decimal(10)}

    assert values([planned(one, has) for one in shares(["vision", "language=20%"], Fraction(1, 3))]) == {
        "teams": {
            "vision": {"quota": {"requests.cpu": "33", "requests.memory": "133Gi", f"requests.{GPU}": "3"}},
            "language": {"quota": {"requests.cpu": "20", "requests.memory": "80Gi", f"requests.{GPU}": "2"}},
        }
    }
    assert list(values([planned(one, has) for one in shares([], Fraction(1, 2))])) == ["teamDefaults"]


def test_too_much_and_too_little_are_told() -> None:
    has = {"cpu": Decimal(8), "memory": Decimal(2**35), GPU: Decimal(2)}
    quotas = [planned(one, has) for one in shares(["a", "b=1/3", "c"], Fraction(1, 2))]

    assert list(remarks(quotas, has)) == [
        "The shares add up to 4/3 of the cluster: not all can be used at the same time.",
        f"b gets no {GPU}: 1/3 of 2 is less than one.",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["vision"], "Say how much vision gets, such as --share 1/3."),
        ([], "Say how much each team gets"),
        (["Vision=1/3"], "'Vision' is no name of a team"),
        (["a=1/3", "a=1/4"], "The team a is named twice."),
        (["a=1/3", "--share", "many"], "'many' is no share"),
        (["a=1/3", "--kubeconfig", "/nowhere"], "/nowhere: This kubeconfig does not say how to reach its cluster."),
    ],
)
def test_a_question_that_cannot_be_understood(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    done = RUN.invoke(app, ["quota", "plan", *arguments], env={"KUBECONFIG": str(tmp_path / "none")})

    assert done.exit_code == 2
    assert sentence in done.stderr


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that the command finds, without one."""

    async def found(_kubeconfig: str | None, _selector: str | None) -> dict[str, Decimal]:
        return {"cpu": Decimal(200), "memory": Decimal(900 * 2**30), GPU: Decimal(16)}

    monkeypatch.setattr("genkan_hub.quota.cli._capacity", found)


def told(*arguments: str) -> Any:
    done = RUN.invoke(app, ["quota", "plan", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_people_get_a_table(cluster: None) -> None:
    assert told("--share", "1/3") == (
        "RESOURCE        CLUSTER  EACH TEAM (1/3)\n"
        "cpu             200      66\n"
        "memory          900Gi    300Gi\n"
        "nvidia.com/gpu  16       5\n"
    )


def test_programs_get_json_and_helm_gets_values(cluster: None) -> None:
    data = json.loads(told("vision", "--share", "1/4", "--json"))
    chart = yaml.safe_load(told("vision", "--share", "1/4", "--values"))

    assert data["quotas"]["vision"] == {"share": "1/4", "hard": chart["teams"]["vision"]["quota"]}
    assert data["capacity"][GPU] == "16"
