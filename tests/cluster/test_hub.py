"""The hub on the sandbox: what users are offered, what they get, and what is refused."""

from collections.abc import AsyncIterator

import httpx
import pytest

from genkan_sandbox.supervision.leftovers import sandbox_processes
from genkan_spawner.kinds import CLAIMS

from ..support.cluster import Cluster
from ..support.hub import Person
from ..support.sandbox import SandboxRun


@pytest.fixture
async def dave(sandbox: SandboxRun) -> AsyncIterator[Person]:
    """A user whom no other test knows: not even a home is there."""
    async with Person.at(sandbox.url, sandbox.user("dave")) as person:
        yield person
        for name in await person.servers():
            await person.stop(name)


async def claims(cluster: Cluster) -> set[tuple[str, str]]:
    """Return all claims of the cluster by namespace and name."""
    return {(row["metadata"]["namespace"], row["metadata"]["name"]) for row in await cluster.api.list(CLAIMS)}


async def test_a_choice_that_is_not_offered_is_refused_everywhere_and_nothing_is_created(
    dave: Person, cluster: Cluster
) -> None:
    before = await claims(cluster)
    forged = {"profile": "cpu-small", "image": "../../etc/passwd"}
    answers = [
        await dave.submit(profile="cpu-small", image="../../etc/passwd"),
        await dave.submit(profile="gpu-9000"),
        await dave.submit(profile="cpu-small", image="../../etc/passwd", name="second"),
        await dave.api("POST", "users/dave/server", json={"user_options": forged}),
        await dave.api("POST", "users/dave/servers/second", json={"user_options": forged}),
    ]
    for answer in answers:
        assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
        assert "Traceback" not in answer.text
        assert "offered: " in answer.text, answer.text[answer.text.find("<main") :]
    assert await cluster.pods_of("dave") == []
    assert await claims(cluster) == before


async def test_named_servers_share_the_home_and_there_are_two_at_most(dave: Person, cluster: Cluster) -> None:
    await dave.start(profile="cpu-small")
    await dave.write("shared.txt", "one home")
    await dave.start(profile="cpu-small", name="second")
    assert await dave.read("shared.txt", name="second") == "one home"
    assert len(await cluster.pods_of("dave")) == 2

    created = await dave.api("POST", "users/dave/servers/third", json={"user_options": {"profile": "cpu-small"}})
    assert created.is_success, created.text
    await dave.until(ready=True, name="third")
    refused = await dave.api("POST", "users/dave/servers/fourth", json={"user_options": {"profile": "cpu-small"}})
    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert "maximum of 2" in refused.text


async def test_gpu_hardware_gets_named_devices_and_cpu_hardware_none(dave: Person, cluster: Cluster) -> None:
    await dave.start(profile="v100-4", image="pytorch-24-12")
    (pod,) = await cluster.pods_of("dave")
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == "4"
    assert "pytorch" in container["image"]
    seen = await dave.run("import os; print(os.environ['NVIDIA_VISIBLE_DEVICES'])")
    (allocated,) = pod["status"]["containerStatuses"][0]["allocatedResourcesStatus"]
    assert seen.split(",") == [device["resourceID"] for device in allocated["resources"]]
    assert len(seen.split(",")) == 4
    assert await dave.run("import os; print(os.environ['OMP_NUM_THREADS'])") == "36"
    await dave.stop()

    await dave.start(profile="cpu-small")
    (pod,) = await cluster.pods_of("dave")
    assert "nvidia.com/gpu" not in pod["spec"]["containers"][0]["resources"]["limits"]
    assert await dave.run("import os; print(os.environ['NVIDIA_VISIBLE_DEVICES'])") == "void"


async def test_the_last_choice_is_preselected(dave: Person) -> None:
    await dave.start(profile="cpu-large", image="jax")
    await dave.stop()
    form = await dave.form()
    assert form.checked["profile"] == "cpu-large"
    assert form.checked["profile-option-cpu-large--image"] == "jax"


async def test_starts_beyond_the_quota_are_refused_and_leave_the_hub_up_and_no_token_in_its_log(
    alice: Person, cluster: Cluster, sandbox: SandboxRun
) -> None:
    hub = sandbox.pid("hub")
    await cluster.add_quota({"count/pods": "0"}, namespace="vision")
    for _ in range(6):
        answer = await alice.submit(profile="cpu-small")
        assert answer.status_code == httpx.codes.CONFLICT
        assert "it may run no servers" in answer.text
    assert sandbox.pid("hub") == hub
    assert (await alice.page("health")).is_success
    assert await cluster.pods_of("alice") == []
    log = (sandbox.state / "logs" / "hub.log").read_text()
    assert "Refusal(reason=quota)" in log
    assert "JUPYTERHUB_API_TOKEN" not in log
    assert "JPY_API_TOKEN" not in log


async def test_idle_servers_are_stopped_by_a_service_that_may_do_no_more(sandbox: SandboxRun) -> None:
    cullers = [p for p in sandbox_processes(sandbox.sandbox_id, component="hub") if "idle_culler" in str(p.cmdline())]
    assert len(cullers) == 1
    log = (sandbox.state / "logs" / "hub.log").read_text()
    assert "403 GET /hub/api/users" not in log


async def test_users_have_the_groups_of_the_site_and_administrators_their_page(sandbox: SandboxRun) -> None:
    async with Person.at(sandbox.url, sandbox.user("carol")) as carol:
        alice = (await carol.api("GET", "users/alice")).json()
        assert (alice["groups"], alice["admin"]) == (["vision"], False)
        assert (await carol.page("admin")).is_success
    async with Person.at(sandbox.url, sandbox.user("alice")) as user:
        assert (await user.page("admin")).status_code == httpx.codes.FORBIDDEN


async def test_a_wrong_password_opens_nothing(sandbox: SandboxRun) -> None:
    wrong = sandbox.user("alice").model_copy(update={"password": "guess"})
    with pytest.raises(AssertionError, match="Invalid username or password"):
        async with Person.at(sandbox.url, wrong):
            pass
