from datetime import UTC, datetime
from typing import Any

import pytest

from genkan_sandbox.agent.status import (
    ContainerState,
    ContainerView,
    PodView,
    Running,
    Terminated,
    Waiting,
    condition_times,
    container_status,
    rejection_patch,
    status_patch,
)
from genkan_spawner.api import JsonObject

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC)
RUNNING = Running(MOMENT)
DONE = Terminated(0, "Completed", MOMENT, LATER)
BROKEN = Terminated(3, "Error", MOMENT, LATER, "why")


def view(state: ContainerState, *, name: str = "notebook", **fields: Any) -> ContainerView:
    return ContainerView(name=name, image="lab:1", identity="id", state=state, **fields)


def patch(phase: str, *states: ContainerState, init: tuple[ContainerView, ...] = (), **fields: Any) -> JsonObject:
    containers = [view(state, name=f"c{index}") for index, state in enumerate(states)]
    made = PodView(
        uid="uid",
        phase=phase,
        started=MOMENT,
        address="127.130.1.1",
        host_address="127.130.0.1",
        containers=containers,
        init_containers=init,
        **fields,
    )
    return status_patch(made, moment=LATER)


def conditions(patch: JsonObject) -> dict[str, tuple[str, str | None, str | None]]:
    return {row["type"]: (row["status"], row["reason"], row["message"]) for row in patch["status"]["conditions"]}


def test_a_running_pod_has_all_that_kubespawner_reads() -> None:
    made = patch("Running", RUNNING)
    status = made["status"]

    assert made["metadata"] == {"uid": "uid"}
    assert (status["phase"], status["podIP"], status["podIPs"]) == ("Running", "127.130.1.1", [{"ip": "127.130.1.1"}])
    assert (status["hostIP"], status["startTime"]) == ("127.130.0.1", "2026-01-02T03:04:05Z")
    assert status["containerStatuses"][0]["ready"]
    assert {row[0] for row in conditions(made).values()} == {"True"}


@pytest.mark.parametrize(
    ("made", "ready", "initialized"),
    [
        (patch("Running", RUNNING), ("True", None, None), ("True", None, None)),
        (
            patch("Running", RUNNING, BROKEN),
            ("False", "ContainersNotReady", "containers with unready status: [c1]"),
            ("True", None, None),
        ),
        (
            patch("Pending", Waiting("PodInitializing"), init=(view(RUNNING, name="i"),)),
            ("False", "ContainersNotReady", "containers with unready status: [c0]"),
            ("False", "ContainersNotInitialized", "containers with incomplete status: [i]"),
        ),
        (
            patch("Running", RUNNING, init=(view(RUNNING, name="s", sidecar=True), view(DONE, name="i"))),
            ("True", None, None),
            ("True", None, None),
        ),
        (patch("Succeeded", DONE), ("False", "PodCompleted", None), ("True", "PodCompleted", None)),
        (patch("Failed", BROKEN), ("False", "PodFailed", None), ("True", None, None)),
    ],
)
def test_conditions_are_those_of_the_kubelet(
    made: JsonObject, ready: tuple[str, str | None, str | None], initialized: tuple[str, str | None, str | None]
) -> None:
    assert conditions(made)["Ready"] == conditions(made)["ContainersReady"] == ready
    assert conditions(made)["Initialized"] == initialized


def test_a_condition_keeps_its_time_while_it_holds() -> None:
    first = patch("Pending", Waiting("ContainerCreating"))
    before = condition_times(first) | {"Initialized": ("True", "2020-01-01T00:00:00Z")}
    made = PodView("uid", "Running", MOMENT, "127.130.1.1", "127.130.0.1", [view(RUNNING)])
    times = condition_times(status_patch(made, moment=LATER, previous=before))

    assert times["Initialized"] == ("True", "2020-01-01T00:00:00Z")
    assert times["Ready"] == ("True", "2026-01-02T03:04:06Z")


@pytest.mark.parametrize(
    ("state", "written"),
    [
        (Waiting("CrashLoopBackOff", "back-off"), {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}),
        (Waiting("ContainerCreating"), {"waiting": {"reason": "ContainerCreating"}}),
        (RUNNING, {"running": {"startedAt": "2026-01-02T03:04:05Z"}}),
        (
            BROKEN,
            {
                "terminated": {
                    "exitCode": 3,
                    "reason": "Error",
                    "message": "why",
                    "startedAt": "2026-01-02T03:04:05Z",
                    "finishedAt": "2026-01-02T03:04:06Z",
                }
            },
        ),
        (
            Terminated(128, "StartError", None, LATER),
            {
                "terminated": {
                    "exitCode": 128,
                    "reason": "StartError",
                    "startedAt": "1970-01-01T00:00:00Z",
                    "finishedAt": "2026-01-02T03:04:06Z",
                }
            },
        ),
    ],
)
def test_states_of_containers(state: ContainerState, written: JsonObject) -> None:
    assert container_status(view(state))["state"] == written
    if isinstance(state, Terminated):
        assert container_status(view(RUNNING, last=state))["lastState"] == written


def test_an_init_container_that_succeeded_is_ready() -> None:
    assert container_status(view(DONE), init=True)["ready"]
    assert not container_status(view(BROKEN), init=True)["ready"]
    assert not container_status(view(DONE))["ready"]


def test_the_status_says_which_devices_a_container_holds() -> None:
    status = container_status(view(RUNNING, devices=(("nvidia.com/gpu", ("GPU-1", "GPU-2")),), restarts=2))

    assert status["restartCount"] == 2
    assert status["allocatedResourcesStatus"] == [
        {
            "name": "nvidia.com/gpu",
            "resources": [{"resourceID": "GPU-1", "health": "Healthy"}, {"resourceID": "GPU-2", "health": "Healthy"}],
        }
    ]


def test_a_pod_that_has_no_address_yet_gets_none() -> None:
    made = status_patch(PodView("uid", "Pending", MOMENT, None, "127.130.0.1"), moment=LATER)

    assert "podIP" not in made["status"]
    assert "initContainerStatuses" not in made["status"]


def test_a_rejected_pod_says_why_as_the_kubelet_does() -> None:
    assert rejection_patch("uid", reason="OutOfcpu", message="Node didn't have enough.", moment=MOMENT) == {
        "metadata": {"uid": "uid"},
        "status": {
            "phase": "Failed",
            "reason": "OutOfcpu",
            "message": "Pod was rejected: Node didn't have enough.",
            "startTime": "2026-01-02T03:04:05Z",
        },
    }
