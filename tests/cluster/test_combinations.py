"""Every combination that the sample catalogue offers starts, through the hub, on a real control plane."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from genkan_profiles import SAMPLE, load_catalogue, offers_for
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import NODES, PODS

from ..support.combinations import Combination, combinations, covering, expected, roomy_site, seen
from ..support.hub import Person
from ..support.sandbox import SandboxRun, sandbox_run

AT_ONCE = 8
"""Starts under way; more would only wait for the hub."""

TENANTS_SECONDS = 60

GROUPS = ("vision", "language", "leads")
"""Of a user who is offered everything."""

OFFERED = combinations(offers_for(load_catalogue(SAMPLE), GROUPS))

HUB_CONFIG = """\
c.JupyterHub.named_server_limit_per_user = 0
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 60}
"""
"""As many servers as the test wants, and answers that wait for them."""


@contextlib.contextmanager
def generous_run(folder: Path, *, site: str) -> Iterator[SandboxRun]:
    """Start a sandbox in whose hub a user may have any number of servers, which are pods without processes."""
    config = folder / "jupyterhub_config.py"
    config.write_text(HUB_CONFIG)
    with sandbox_run(folder / "state", "--simulate", "--site", site, "--hub-config", str(config)) as run:
        run.wait_ready()
        yield run


async def start_all(person: Person, rows: Sequence[Combination]) -> None:
    """Start a named server for each combination; the hub answers when it is ready."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def start(number: int, row: Combination) -> None:
        async with gate:
            path = f"users/{person.user.name}/servers/{server_name(number)}"
            answer = await person.api("POST", path, json={"user_options": row.choice})
            assert answer.status_code == httpx.codes.CREATED, (row.choice, answer.text)

    async with asyncio.TaskGroup() as tasks:
        for number, row in enumerate(rows):
            tasks.create_task(start(number, row))


def server_name(number: int) -> str:
    """Return the name of the server for a combination; the hub wants a letter first."""
    return f"combination-{number}"


async def pods_by_server(run: SandboxRun, user: str) -> dict[str, JsonObject]:
    """Return the pods of a user's servers as Kubernetes has them, by the name of the server."""
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api:
        found = await api.list(PODS, label_selector=f"hub.jupyter.org/username={user}")
    return {pod["metadata"]["annotations"]["hub.jupyter.org/servername"]: pod for pod in found}


async def until_tenants_run(run: SandboxRun) -> None:
    """Wait until those have their places who may push burst work out."""
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api, asyncio.timeout(TENANTS_SECONDS):
        while any(pod["status"]["phase"] != "Running" for pod in await api.list(PODS, namespace="climate")):
            await asyncio.sleep(0.2)


async def products(run: SandboxRun) -> dict[str, str]:
    """Return the product on the label of each node that has one."""
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api:
        labels = {node["metadata"]["name"]: node["metadata"]["labels"] for node in await api.list(NODES)}
    return {name: of["nvidia.com/gpu.product"] for name, of in labels.items() if "nvidia.com/gpu.product" in of}


def test_there_are_more_than_a_hundred_and_a_few_cover_every_row() -> None:
    few = covering(OFFERED)

    assert len(OFFERED) == len({json.dumps(row.choice) for row in OFFERED}) > 100
    for name in ("profile", "priority", "team"):
        assert {row.choice[name] for row in few} == {row.choice[name] for row in OFFERED}
    assert len({row.image.slug for row in few}) >= 4


async def test_every_combination_becomes_a_pod_with_all_that_was_chosen(binaries: None, tmp_path: Path) -> None:
    site = tmp_path / "roomy.yaml"
    site.write_text(roomy_site(OFFERED, user="dave", groups=GROUPS))
    with generous_run(tmp_path, site=str(site)) as run:
        async with Person.at(run.url, run.user("dave")) as dave:
            await start_all(dave, OFFERED)
        pods, cards = await pods_by_server(run, "dave"), await products(run)

    assert len(pods) == len(OFFERED)
    for number, row in enumerate(OFFERED):
        pod = pods[server_name(number)]
        assert seen(pod) == expected(row), row.choice
        assert pod["status"]["phase"] == "Running"
        if row.hardware.gpu is not None:
            assert cards[pod["spec"]["nodeName"]] in row.hardware.gpu.product
            assert held(pod) == {row.hardware.gpu.resource: row.hardware.gpu.count}
        else:
            assert held(pod) == {}


def held(pod: JsonObject) -> Counter[str]:
    """Count the devices that a pod holds, by resource."""
    (container,) = pod["status"]["containerStatuses"]
    return Counter(
        {
            row["name"]: len(row["resources"])
            for row in container.get("allocatedResourcesStatus", [])
            if row["resources"]
        }
    )


async def test_the_data_center_has_room_for_one_server_of_every_hardware_beside_the_tenants(
    binaries: None, tmp_path: Path
) -> None:
    few = covering(OFFERED)
    with generous_run(tmp_path, site="datacenter") as run:
        await until_tenants_run(run)
        async with Person.at(run.url, run.user("dave")) as dave:
            await start_all(dave, few)
        pods = await pods_by_server(run, "dave")

    for number, row in enumerate(few):
        pod = pods[server_name(number)]
        assert seen(pod) == expected(row), row.choice
        assert pod["status"]["phase"] == "Running"
