"""Pods as processes: how they start, end, restart and are told to end."""

import asyncio
import time
from typing import Any

import pytest

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import EVENTS, PODS

from ..support.cluster import IMAGE, Cluster
from ..support.shells import FOR_EVER, WAIT, Shells, container_status, terminated, waiting

MOUNT = {"name": "scratch", "mountPath": "/home/jovyan"}
SCRATCH = {"name": "scratch", "emptyDir": {}}
"""Shared by a pod's containers and its home, with bubblewrap or without."""

ENOUGH = 3600
"""A grace that no test waits for."""


def container(name: str, script: str, **fields: object) -> JsonObject:
    return {
        "name": name,
        "image": IMAGE,
        "command": ["/bin/sh", "-c", script],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [MOUNT],
        **fields,
    }


@pytest.mark.parametrize(("code", "phase", "reason"), [(0, "Succeeded", "Completed"), (3, "Failed", "Error")])
async def test_a_pod_ends_as_its_process_does(shells: Shells, code: int, phase: str, reason: str) -> None:
    ended = await shells.run(f"exit {code}")
    assert ended.phase == phase
    assert (ended.end["exitCode"], ended.end["reason"]) == (code, reason)


async def test_a_process_is_given_its_arguments(shells: Shells) -> None:
    ended = await shells.run(
        'echo "$0, $1, $2"',
        env=[{"name": "WHO", "value": "world"}],
        container={"args": ["hello", "$(WHO)", "$$(WHO) $(NOBODY)"]},
    )
    assert ended.log == "hello, world, $(WHO) $(NOBODY)\n"


async def test_a_command_that_does_not_exist_is_named(shells: Shells, cluster: Cluster) -> None:
    pod = await cluster.add_pod(simulate=False, container={"command": ["no-such-command"]})
    ended = await shells.ended(pod)
    assert ended.phase == "Failed"
    assert (ended.end["exitCode"], ended.end["reason"]) == (128, "StartError")
    assert 'exec: "no-such-command": executable file not found in $PATH' in ended.end["message"]
    assert "no-such-command" in (await cluster.until_event("Failed", pod=pod["metadata"]["name"]))["message"]


async def test_a_container_that_fails_is_started_again_in_place(shells: Shells) -> None:
    script = '[ -e "$HOME/failed" ] && exec echo again; touch "$HOME/failed"; exit 7'
    ended = await shells.run(script, restartPolicy="OnFailure", volumes=[SCRATCH], container={"volumeMounts": [MOUNT]})
    status = container_status(ended.pod)
    assert ended.phase == "Succeeded"
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 7
    assert ended.log == "again\n"


async def test_a_container_that_fails_again_and_again_is_started_less_often(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.start("exit 1", restartPolicy="Always")
    name = pod["metadata"]["name"]
    found = await cluster.until(PODS, name, lambda pod: waiting(pod, "CrashLoopBackOff"), namespace=cluster.namespace)
    assert found["status"]["phase"] == "Running"
    assert not container_status(found)["ready"]
    words = f"Back-off restarting failed container main in pod {name}_{cluster.namespace}({pod['metadata']['uid']})"
    assert (await cluster.until_event("BackOff", pod=name))["message"] == words


async def test_init_containers_run_one_after_another_before_the_others(shells: Shells) -> None:
    ended = await shells.run(
        'cat "$HOME/order"',
        volumes=[SCRATCH],
        container={"volumeMounts": [MOUNT]},
        initContainers=[
            container("first", 'sleep 0.2; echo first >> "$HOME/order"'),
            container("second", 'echo second >> "$HOME/order"'),
        ],
    )
    assert ended.log == "first\nsecond\n"
    assert terminated(ended.pod, "first")["exitCode"] == 0


async def test_an_init_container_that_fails_stops_the_pod(shells: Shells) -> None:
    ended = await shells.run(
        "echo never",
        volumes=[SCRATCH],
        initContainers=[container("first", "exit 4"), container("second", "echo never")],
    )
    assert ended.phase == "Failed"
    assert terminated(ended.pod, "first")["exitCode"] == 4
    assert "waiting" in container_status(ended.pod, "second")["state"]
    assert "waiting" in container_status(ended.pod)["state"]
    assert ended.log == ""


async def test_a_sidecar_runs_beside_the_others_and_ends_after_them(shells: Shells) -> None:
    sidecar = container("sidecar", f'echo up > "$HOME/sidecar"; {WAIT}', restartPolicy="Always")
    ended = await shells.run(
        'until [ -e "$HOME/sidecar" ]; do sleep 0.05; done; cat "$HOME/sidecar"',
        volumes=[SCRATCH],
        container={"volumeMounts": [MOUNT]},
        initContainers=[sidecar],
    )
    assert ended.phase == "Succeeded"
    assert ended.log == "up\n"


async def test_each_container_writes_a_log_of_its_own(shells: Shells, cluster: Cluster) -> None:
    both = [container("one", "echo out; echo err >&2"), container("two", "echo second")]
    pod = await cluster.add_pod(simulate=False, volumes=[SCRATCH], containers=both)
    ended = await shells.ended(pod)
    assert shells.log(ended.pod, "one") == "out\nerr\n"
    assert shells.log(ended.pod, "two") == "second\n"
    assert shells.log_file(ended.pod, "one").stat().st_mode & 0o077 == 0


async def test_a_deleted_pod_is_asked_to_end_and_is_gone_when_it_has(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.begin(
        f"trap 'echo asked; exit 0' TERM; echo ready; {FOR_EVER}", terminationGracePeriodSeconds=ENOUGH
    )
    await shells.until_written(pod, "ready")
    await cluster.api.delete(PODS, pod["metadata"]["name"], namespace=cluster.namespace)
    await cluster.until_gone(PODS, pod["metadata"]["name"], namespace=cluster.namespace)
    assert shells.log(pod) == "ready\nasked\n"
    assert shells.processes([pod]) == []


async def test_a_process_that_does_not_listen_is_killed_after_its_grace(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.begin(f"trap '' TERM; echo ready; {FOR_EVER}", terminationGracePeriodSeconds=2)
    await shells.until_written(pod, "ready")
    started = time.monotonic()
    await cluster.api.delete(PODS, pod["metadata"]["name"], namespace=cluster.namespace)
    await cluster.until_gone(PODS, pod["metadata"]["name"], namespace=cluster.namespace)
    # The API counts deletion times in whole seconds.
    assert time.monotonic() - started > 1
    assert shells.processes([pod]) == []


async def test_a_pod_that_is_removed_by_force_is_killed_at_once(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.begin(f"trap '' TERM; {FOR_EVER}", terminationGracePeriodSeconds=ENOUGH)
    assert shells.processes([pod])
    await cluster.api.delete(PODS, pod["metadata"]["name"], namespace=cluster.namespace, grace_seconds=0)
    await shells.until_ended([pod])


async def test_a_pod_without_a_process_is_gone_as_soon_as_it_is_deleted(shells: Shells, cluster: Cluster) -> None:
    await cluster.add_fault(FaultKind.SLOW_PULL, image="registry.example.org/test-slow:1", seconds=ENOUGH)
    missing = {"secretKeyRef": {"name": "test-missing", "key": "key"}}
    grace: dict[str, Any] = {"terminationGracePeriodSeconds": ENOUGH}
    pods = await asyncio.gather(
        shells.start("true", container={"image": "registry.example.org/test-slow:1"}, **grace),
        shells.start("true", env=[{"name": "KEY", "valueFrom": missing}], **grace),
        shells.start("true", volumes=[{"name": "keys", "secret": {"secretName": "test-missing"}}], **grace),
        shells.start("exit 1", restartPolicy="Always", **grace),
        shells.start("true", nodeSelector={"test": "nowhere"}, **grace),
    )
    stuck = ("Pulling", "Failed", "FailedMount", "BackOff", "FailedScheduling")
    names = [pod["metadata"]["name"] for pod in pods]
    await asyncio.gather(*(cluster.until_event(reason, pod=name) for name, reason in zip(names, stuck, strict=True)))
    await asyncio.gather(*(cluster.api.delete(PODS, name, namespace=cluster.namespace) for name in names))
    await asyncio.gather(*(cluster.until_gone(PODS, name, namespace=cluster.namespace) for name in names))


async def test_a_namesake_of_a_removed_pod_is_a_pod_of_its_own(shells: Shells, cluster: Cluster) -> None:
    old = await shells.begin(f"trap '' TERM; {FOR_EVER}", name="test-namesake", terminationGracePeriodSeconds=ENOUGH)
    await cluster.api.delete(PODS, "test-namesake", namespace=cluster.namespace, grace_seconds=0)
    new = await shells.begin(f"echo second; {WAIT}", name="test-namesake")
    await shells.until_ended([old])
    await shells.until_written(new, "second")
    found = await cluster.api.get(PODS, "test-namesake", namespace=cluster.namespace)
    assert (found["metadata"]["uid"], found["status"]["phase"]) == (new["metadata"]["uid"], "Running")
    assert shells.processes([new])


async def test_events_tell_the_life_of_a_pod_in_the_words_of_the_kubelet(shells: Shells, cluster: Cluster) -> None:
    image = f"registry.example.org/{time.monotonic_ns()}:1"
    pod = await shells.begin(WAIT, container={"image": image})
    name, node = pod["metadata"]["name"], pod["spec"]["nodeName"]
    await cluster.api.delete(PODS, name, namespace=cluster.namespace)
    await asyncio.gather(*(cluster.until_event(reason, pod=name) for reason in ("Killing", "Scheduled")))
    events = await cluster.api.list(
        EVENTS, namespace=cluster.namespace, field_selector=f"involvedObject.uid={pod['metadata']['uid']}"
    )
    told = {event["reason"]: event for event in events}
    assert told.keys() == {"Scheduled", "Pulling", "Pulled", "Created", "Started", "Killing"}
    assert told["Scheduled"]["message"] == f"Successfully assigned {cluster.namespace}/{name} to {node}"
    assert told["Pulling"]["message"] == f'Pulling image "{image}"'
    assert told["Pulled"]["message"].startswith(f'Successfully pulled image "{image}" in ')
    assert told["Killing"]["message"] == "Stopping container main"
    own = [event for reason, event in told.items() if reason != "Scheduled"]
    assert {event["source"]["host"] for event in own} == {node}
    assert {event["involvedObject"]["fieldPath"] for event in own} == {"spec.containers{main}"}


async def test_an_image_that_a_node_has_is_not_pulled_again(shells: Shells, cluster: Cluster) -> None:
    image = f"registry.example.org/{time.monotonic_ns()}:1"
    first = await shells.run("exit 0", container={"image": image})
    here = {"kubernetes.io/hostname": first.pod["spec"]["nodeName"]}
    again = await shells.run("exit 0", container={"image": image}, nodeSelector=here)
    pulled = await cluster.until_event("Pulled", pod=again.pod["metadata"]["name"])
    assert pulled["message"].startswith(f'Container image "{image}" already present on machine')
