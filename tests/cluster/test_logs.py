"""Containers' logs through the API server, as kubectl and the hub read them, and to nobody past it."""

import ssl
from collections.abc import AsyncIterator
from contextlib import nullcontext

import aiohttp
import pytest

from genkan_sandbox.agent.records import Endpoint, project_node
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ForbiddenError, KubernetesError
from genkan_spawner.kinds import NODES, PODS

from ..support.cluster import Cluster
from ..support.sandbox import SandboxRun
from ..support.shells import WAIT, Shells, container_status

MOUNT = {"name": "scratch", "mountPath": "/home/jovyan"}
SCRATCH = {"name": "scratch", "emptyDir": {}}
LINES = "for line in one two three; do echo $line; done"


@pytest.fixture
async def hub(sandbox: SandboxRun) -> AsyncIterator[KubernetesApi]:
    """The API as the hub has it."""
    async with await KubernetesApi.connect(sandbox.state / "hub.kubeconfig") as api:
        yield api


async def log(api: KubernetesApi, pod: JsonObject, **query: str) -> str:
    metadata = pod["metadata"]
    path = PODS.path(namespace=metadata["namespace"], name=metadata["name"], subresource="log")
    return await api.text(path, query=query)


async def test_the_administrator_and_the_hub_read_what_a_pod_says(
    shells: Shells, cluster: Cluster, hub: KubernetesApi
) -> None:
    pod = await shells.start(f"{LINES}; {WAIT}")
    await shells.until_written(pod, "three")
    for api in (cluster.api, hub):
        assert await log(api, pod) == "one\ntwo\nthree\n"
        assert await log(api, pod, container="main", tailLines="2", limitBytes="5") == "two\nt"


async def test_a_log_outlives_its_container(shells: Shells, hub: KubernetesApi) -> None:
    ended = await shells.run(f"{LINES}; exit 3")
    assert await log(hub, ended.pod) == "one\ntwo\nthree\n"


async def test_the_run_before_has_a_log_of_its_own(shells: Shells, hub: KubernetesApi) -> None:
    script = f'[ -e "$HOME/failed" ] && exec echo again; touch "$HOME/failed"; {LINES}; exit 3'
    ended = await shells.run(script, restartPolicy="OnFailure", volumes=[SCRATCH], container={"volumeMounts": [MOUNT]})
    assert await log(hub, ended.pod) == "again\n"
    assert await log(hub, ended.pod, previous="true", tailLines="1") == "three\n"
    status = container_status(ended.pod)
    assert status["lastState"]["terminated"]["containerID"] != status["containerID"]


async def test_a_log_that_is_not_there_is_refused_in_the_kubelets_words(shells: Shells, hub: KubernetesApi) -> None:
    pod = await shells.begin(WAIT)
    with pytest.raises(KubernetesError, match="container other is not valid for pod"):
        await log(hub, pod, container="other")
    with pytest.raises(KubernetesError, match=r'previous terminated container "main" in pod .* not found'):
        await log(hub, pod, previous="true")


async def test_a_simulated_pod_has_said_nothing(cluster: Cluster) -> None:
    pod = await cluster.add_pod()
    await cluster.until_phase(pod["metadata"]["name"], "Running")
    assert await log(cluster.api, pod) == ""


async def test_a_node_that_is_added_later_shows_logs(shells: Shells, cluster: Cluster) -> None:
    node = await cluster.add_node()
    ended = await shells.run(LINES, nodeName=node)
    assert await log(cluster.api, ended.pod, tailLines="1") == "three\n"


async def test_the_hub_reads_no_logs_elsewhere(shells: Shells, cluster: Cluster, hub: KubernetesApi) -> None:
    elsewhere = await cluster.add_namespace()
    ended = await shells.run(LINES, namespace=elsewhere)
    with pytest.raises(ForbiddenError):
        await log(hub, ended.pod)


async def endpoint(cluster: Cluster) -> Endpoint:
    """Return where the nodes answer: the same place for all."""
    (found,) = {project_node(node).endpoint for node in await cluster.api.list(NODES)}
    assert found is not None
    return found


@pytest.mark.parametrize("certificate", [None, "apiserver", "apiserver-client"])
async def test_only_the_api_servers_client_certificate_opens_the_nodes(
    shells: Shells, cluster: Cluster, sandbox: SandboxRun, certificate: str | None
) -> None:
    ended = await shells.run(LINES)
    metadata, certificates = ended.pod["metadata"], sandbox.state / "certs"
    trust = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
    if certificate is not None:
        trust.load_cert_chain(certificates / f"{certificate}.crt", certificates / f"{certificate}.key")
    where = await endpoint(cluster)
    url = f"https://{where.address}:{where.port}/containerLogs/{metadata['namespace']}/{metadata['name']}/main"
    with nullcontext() if certificate == "apiserver-client" else pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as client, client.get(url, ssl=trust) as answer:
            assert await answer.text() == ended.log
