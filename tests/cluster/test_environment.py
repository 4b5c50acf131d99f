"""What a container is given: its environment, and files from Secrets, ConfigMaps and memory."""

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.kinds import PODS

from ..support.cluster import Cluster
from ..support.shells import Shells, waiting


def of_field(path: str) -> JsonObject:
    return {"fieldRef": {"fieldPath": path}}


def of_resource(resource: str, divisor: str) -> JsonObject:
    return {"resourceFieldRef": {"resource": resource, "divisor": divisor}}


def of_key(kind: str, name: str, key: str, **fields: object) -> JsonObject:
    return {f"{kind}KeyRef": {"name": name, "key": key, **fields}}


def variables(log: str) -> dict[str, str]:
    """Read what `env` printed."""
    return dict(line.split("=", 1) for line in log.splitlines())


OF_SHELLS = {"PWD", "OLDPWD", "SHLVL", "_"}
"""Variables that shells set by themselves."""

SOURCES: dict[str, JsonObject] = {
    "NAME": of_field("metadata.name"),
    "ADDRESS": of_field("status.podIP"),
    "NODE": of_field("spec.nodeName"),
    "CORES": of_resource("limits.cpu", "1m"),
    "MEBIBYTES": of_resource("limits.memory", "1Mi"),
    "PASSWORD": of_key("secret", "test-values", "password"),
    "COLOUR": of_key("configMap", "test-values", "colour"),
    "ABSENT": of_key("secret", "test-nothing", "password", optional=True),
}

SECCOMP = {"type": "RuntimeDefault"}


async def test_variables_come_from_the_pod_its_limits_secrets_and_config_maps(shells: Shells) -> None:
    await shells.add_secret("test-values", password="p w", more="imported")
    await shells.add_config_map("test-values", colour="blue")
    ended = await shells.run(
        "env",
        env=[{"name": name, "valueFrom": source} for name, source in SOURCES.items()],
        resources={"cpu": "1500m", "memory": "64Mi"},
        container={"envFrom": [{"secretRef": {"name": "test-values"}, "prefix": "FROM_"}]},
    )
    found, metadata = variables(ended.log), ended.pod["metadata"]
    assert found["NAME"] == metadata["name"]
    assert found["ADDRESS"] == ended.pod["status"]["podIP"]
    assert found["NODE"] == ended.pod["spec"]["nodeName"]
    assert (found["CORES"], found["MEBIBYTES"]) == ("1500", "64")
    assert (found["PASSWORD"], found["COLOUR"], found["FROM_more"]) == ("p w", "blue", "imported")
    assert "ABSENT" not in found


async def test_values_refer_to_variables_before_them(shells: Shells) -> None:
    texts = {"ROOT": "/data", "INNER": "$(ROOT)/in $$(ROOT) $(LATER)", "LATER": "x"}
    ended = await shells.run("env", env=[{"name": name, "value": value} for name, value in texts.items()])
    assert variables(ended.log)["INNER"] == "/data/in $(ROOT) $(LATER)"


async def test_nothing_of_the_machines_environment_reaches_a_container(shells: Shells) -> None:
    ended = await shells.run("env")
    found = {name for name in variables(ended.log) if not name.startswith("GENKAN_SANDBOX_")}
    assert found - OF_SHELLS == {"PATH", "HOME", "LANG", "HOSTNAME"}


async def test_an_address_for_all_networks_becomes_the_pods_own(shells: Shells) -> None:
    url = {"name": "JUPYTERHUB_SERVICE_URL", "value": "http://0.0.0.0:8888/user/alice/"}
    ended = await shells.run("env", env=[url])
    address = ended.pod["status"]["podIP"]
    assert variables(ended.log)["JUPYTERHUB_SERVICE_URL"] == f"http://{address}:8888/user/alice/"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("secret", "couldn't find key missing in Secret {namespace}/test-values"),
        ("configMap", "couldn't find key missing in ConfigMap {namespace}/test-values"),
    ],
)
async def test_a_key_that_is_missing_keeps_the_container_waiting(
    shells: Shells, cluster: Cluster, kind: str, words: str
) -> None:
    await shells.add_secret("test-values", password="x")
    await shells.add_config_map("test-values", colour="blue")
    pod = await shells.start("env", env=[{"name": "LOST", "valueFrom": of_key(kind, "test-values", "missing")}])
    found = await cluster.until(
        PODS,
        pod["metadata"]["name"],
        lambda pod: waiting(pod, "CreateContainerConfigError"),
        namespace=cluster.namespace,
    )
    state = found["status"]["containerStatuses"][0]["state"]["waiting"]
    assert state["message"] == words.format(namespace=cluster.namespace)
    assert found["status"]["phase"] == "Pending"


async def test_a_container_is_made_as_soon_as_its_secret_is_there(shells: Shells, cluster: Cluster) -> None:
    pod = await shells.start("env", env=[{"name": "LATE", "valueFrom": of_key("secret", "test-late", "key")}])
    failed = await cluster.until_event("Failed", pod=pod["metadata"]["name"])
    assert failed["message"] == 'Error: secret "test-late" not found'
    await shells.add_secret("test-late", key="here")
    ended = await shells.ended(pod)
    assert variables(ended.log)["LATE"] == "here"


async def test_a_volume_whose_secret_is_missing_is_mounted_when_it_comes(shells: Shells, cluster: Cluster) -> None:
    volume = {"name": "keys", "secret": {"secretName": "test-late"}}
    pod = await shells.start("exit 0", volumes=[volume])
    failed = await cluster.until_event("FailedMount", pod=pod["metadata"]["name"])
    assert failed["message"] == 'MountVolume.SetUp failed for volume "keys" : secret "test-late" not found'
    await shells.add_secret("test-late", key="here")
    assert (await shells.ended(pod)).phase == "Succeeded"


async def test_secrets_and_config_maps_are_files_that_cannot_be_changed(shells: Shells, bubblewrap: None) -> None:
    await shells.add_secret("test-values", password="p w", other="not asked for")
    await shells.add_config_map("test-values", colour="blue")
    items = [{"key": "password", "path": "deep/in/password", "mode": 0o440}]
    ended = await shells.run(
        "cd /keys; find . -type f; stat -c %a deep/in/password; cat deep/in/password; echo; cat /config/colour; echo; "
        "(echo red > /config/colour) 2>/dev/null || echo refused",
        volumes=[
            {"name": "keys", "secret": {"secretName": "test-values", "items": items}},
            {"name": "config", "configMap": {"name": "test-values"}},
        ],
        # Files of volumes are root's, and a pod's group may read them.
        securityContext={"runAsUser": 1000, "runAsNonRoot": True, "fsGroup": 100, "seccompProfile": SECCOMP},
        container={
            "volumeMounts": [{"name": "keys", "mountPath": "/keys"}, {"name": "config", "mountPath": "/config"}]
        },
    )
    assert ended.log.splitlines() == ["./deep/in/password", "440", "p w", "blue", "refused"]


async def test_an_empty_directory_is_new_for_each_pod(shells: Shells, bubblewrap: None) -> None:
    fields = {
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "container": {"volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}]},
    }
    for _ in range(2):
        assert (await shells.run("ls -A /scratch; touch /scratch/file; ls /scratch", **fields)).log == "file\n"


async def test_memory_can_be_mounted_where_libraries_share_it(shells: Shells, bubblewrap: None) -> None:
    ended = await shells.run(
        "echo shared > /dev/shm/segment && cat /dev/shm/segment && [ -c /dev/null ] && echo devices",
        volumes=[{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
        container={"volumeMounts": [{"name": "shm", "mountPath": "/dev/shm"}]},  # noqa: S108  # in the container
    )
    assert ended.log == "shared\ndevices\n"


async def test_a_working_directory_is_made_where_there_is_none(shells: Shells, bubblewrap: None) -> None:
    assert (await shells.run("pwd", container={"workingDir": "/srv/work"})).log == "/srv/work\n"
