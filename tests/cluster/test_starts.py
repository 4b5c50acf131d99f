"""Starts that cannot be, through the real hub: what the user is told, how soon, and that nothing is left behind."""

import asyncio
import html
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from genkan_profiles import SAMPLE, load_catalogue
from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.kinds import CLAIMS, NODES, PODS

from ..support.cards import card_text
from ..support.cluster import Cluster
from ..support.hub import FormInputs, Person
from ..support.sandbox import SandboxRun

GTX = "nvidia.com/gpu.product=NVIDIA-GeForce-GTX-1080"


@pytest.fixture
async def alice(sandbox: SandboxRun) -> AsyncIterator[Person]:
    async with Person.visiting(sandbox.url, sandbox.user("alice")) as found:
        yield found


@pytest.fixture
async def gtx_nodes(cluster: Cluster) -> AsyncIterator[list[str]]:
    """The machines with a GTX 1080, open again after the test."""
    names = [node["metadata"]["name"] for node in await cluster.api.list(NODES, label_selector=GTX)]
    yield names
    for name in names:
        await cluster.cordon(name, cordoned=False)


def image(slug: str) -> str:
    return next(str(row.image) for row in load_catalogue(SAMPLE).images if row.slug == slug)


async def refusal(someone: Person, *, profile: str, **options: str) -> str:
    """Ask for a server by the form, and return the page that says why it is not to be had."""
    answer = await someone.submit(profile=profile, **options)
    async with asyncio.timeout(90):
        while answer.status_code == httpx.codes.OK:
            assert "spawn-pending" in str(answer.url), answer.text
            await asyncio.sleep(0.2)
            answer = await someone.page(f"spawn-pending/{someone.user.name}")
    return html.unescape(answer.text)


async def asked(someone: Person, *, server: str = "server", **choice: str) -> httpx.Response:
    """Ask for a server by the REST API."""
    return await someone.api("POST", f"users/{someone.user.name}/{server}", json={"user_options": choice})


async def form(someone: Person) -> str:
    return html.unescape((await someone.page("spawn")).text)


async def is_refused(someone: Person, slug: str) -> bool:
    """Return whether the form says that what is chosen on a card would not start; other choices on it might."""
    return card_text(await form(someone), slug).state == "refused"


async def test_a_full_quota_is_said_on_every_surface_and_nothing_is_created(alice: Person, cluster: Cluster) -> None:
    claims = len(await cluster.api.list(CLAIMS))
    await cluster.add_quota({"requests.nvidia.com/gpu": "2"}, namespace="vision")
    choice = {"profile": "v100-4", "image": "pytorch-24-12"}
    began = time.monotonic()
    texts = [await refusal(alice, **choice)]
    assert time.monotonic() - began < 5
    for server in ("server", "servers/second"):
        answer = await asked(alice, server=server, **choice)
        assert answer.status_code == httpx.codes.CONFLICT, answer.text
        texts.append(answer.json()["message"])
    sentence = "This needs 4 GPUs, and your team's whole share is 2."
    assert all(sentence in text for text in texts)
    async with asyncio.timeout(2):
        while sentence not in await form(alice):
            await asyncio.sleep(0.1)
    assert await cluster.pods_of("alice") == []
    assert len(await cluster.api.list(CLAIMS)) == claims


async def test_fifty_refusals_do_not_stop_the_hub(alice: Person, cluster: Cluster) -> None:
    await cluster.add_quota({"pods": "0"}, namespace="vision")
    for _ in range(50):
        assert (await asked(alice, profile="cpu-small")).status_code == httpx.codes.CONFLICT
    assert (await alice.page("health")).status_code == httpx.codes.OK


async def test_a_refused_form_says_why_and_so_do_the_waiting_page_and_its_events(
    alice: Person, cluster: Cluster
) -> None:
    await cluster.add_quota({"requests.nvidia.com/gpu": "2"}, namespace="vision")
    sentence = "This needs 4 GPUs, and your team's whole share is 2."
    for name in ("", "second"):
        answer = await alice.submit(profile="v100-4", name=name, image="pytorch-24-12")
        assert answer.status_code == httpx.codes.CONFLICT
        assert sentence in html.unescape(answer.text)
        assert FormInputs(answer.text).checked["profile"] == "v100-4"
        waiting = await alice.page(f"spawn-pending/alice/{name}".rstrip("/"))
        assert waiting.status_code == httpx.codes.CONFLICT
        assert sentence in html.unescape(waiting.text)
    (event,) = await alice.told()
    assert event["failed"]
    assert sentence in event["message"]
    assert await cluster.pods_of("alice") == []
    # What stands in the way of one choice does not of another.
    await alice.start(profile="cpu-small")


async def test_full_machines_are_told_before_the_click_and_at_it(
    alice: Person, cluster: Cluster, gtx_nodes: list[str]
) -> None:
    assert not await is_refused(alice, "gtx-1080")
    for name in gtx_nodes:
        await cluster.cordon(name)
    async with asyncio.timeout(10):
        while not await is_refused(alice, "gtx-1080"):
            await asyncio.sleep(0.1)
    answer = await asked(alice, profile="gtx-1080")
    assert answer.status_code == httpx.codes.CONFLICT
    assert answer.json()["message"] in await form(alice)
    assert await cluster.pods_of("alice") == []


async def test_of_two_who_want_the_last_gpu_one_gets_it(
    sandbox: SandboxRun, alice: Person, cluster: Cluster, gtx_nodes: list[str]
) -> None:
    for name in gtx_nodes[1:]:
        await cluster.cordon(name)
    gpus = int((await cluster.api.get(NODES, gtx_nodes[0]))["status"]["allocatable"]["nvidia.com/gpu"])
    for _ in range(gpus - 1):
        await cluster.add_pod(resources={"nvidia.com/gpu": "1"}, nodeName=gtx_nodes[0])
    async with Person.visiting(sandbox.url, sandbox.user("dave")) as dave:
        answers = await asyncio.gather(*(asked(someone, profile="gtx-1080") for someone in (alice, dave)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes[0] in {httpx.codes.CREATED, httpx.codes.ACCEPTED}
        assert codes[1] == httpx.codes.CONFLICT
        assert len([*await cluster.pods_of("alice"), *await cluster.pods_of("dave")]) == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (FaultKind.IMAGE_MISSING, "The image does not exist"),
        (FaultKind.INVALID_IMAGE, "The name of the image is not valid"),
    ],
)
async def test_an_image_that_cannot_be_had_ends_the_start(
    alice: Person, cluster: Cluster, kind: FaultKind, words: str
) -> None:
    await cluster.add_fault(kind, image=image("pytorch"))
    assert words in await refusal(alice, profile="cpu-small", image="pytorch")
    await cluster.until_no_pods_of("alice")


async def test_every_page_is_told_the_steps_in_sentences(alice: Person) -> None:
    await alice.submit(profile="cpu-small")
    for events in await asyncio.gather(alice.told(), alice.told()):
        sentences = [event["message"] for event in events]
        assert "The server is being created." in sentences
        assert not any("[Normal]" in sentence for sentence in sentences)
        percents = [event["progress"] for event in events]
        assert percents == sorted(percents)
        assert events[-1]["ready"]


async def test_a_start_can_be_cancelled_and_leaves_nothing(alice: Person, cluster: Cluster) -> None:
    await cluster.add_fault(FaultKind.SLOW_PULL, image=image("jax"), seconds=3600)
    await alice.submit(profile="cpu-small", image="jax")
    async with asyncio.timeout(30):
        while not await cluster.pods_of("alice"):
            await asyncio.sleep(0.1)
    answer = await alice.api("DELETE", "users/alice/server")
    assert answer.is_success, answer.text
    await cluster.until_no_pods_of("alice")
    await alice.until(ready=False)


async def test_a_server_that_was_preempted_says_so_at_the_next_visit(alice: Person, cluster: Cluster) -> None:
    await alice.start(profile="gtx-1080", priority="burst", image="pytorch-24-12")
    (pod,) = await cluster.pods_of("alice")
    node = await cluster.api.get(NODES, pod["spec"]["nodeName"])
    labels = {"kubernetes.io/hostname": node["metadata"]["labels"]["kubernetes.io/hostname"]}
    gpus = {"nvidia.com/gpu": node["status"]["allocatable"]["nvidia.com/gpu"]}
    await cluster.add_pod(resources=gpus, priorityClassName="genkan-high", nodeSelector=labels)
    await alice.until(ready=False)
    assert "to make room for a job of higher priority" in await form(alice)


async def test_a_server_that_is_taken_away_is_noticed_at_once(alice: Person, cluster: Cluster) -> None:
    await alice.start(profile="cpu-small")
    (pod,) = await cluster.pods_of("alice")
    began = time.monotonic()
    metadata = pod["metadata"]
    await cluster.api.delete(PODS, metadata["name"], namespace=metadata["namespace"], grace_seconds=0)
    await alice.until(ready=False)
    assert time.monotonic() - began < 10, "JupyterHub's own rounds are 30 seconds apart"
    assert "The server was taken away." in await form(alice)


async def test_who_waits_is_told_the_place_in_the_line_and_can_leave_it(sandbox: SandboxRun, cluster: Cluster) -> None:
    nodes = await cluster.api.list(NODES, label_selector="pool=a100x4")
    for node in nodes:
        await cluster.add_pod(resources={"nvidia.com/gpu": "1"}, nodeName=node["metadata"]["name"])
    users = [sandbox.user(name) for name in ("erin", "bob")]
    async with Person.visiting(sandbox.url, users[0]) as erin, Person.visiting(sandbox.url, users[1]) as bob:
        assert not await is_refused(erin, "a100-4")
        for someone in (erin, bob):
            assert (await someone.submit(profile="a100-4")).is_success
            await cluster.until_pods_of(someone.user.name)
        assert "you are number 2 of 2 who wait for GPUs" in await first_told(bob, "number")
        assert (await erin.api("DELETE", "users/erin/server")).is_success
        await cluster.until_no_pods_of("erin")
        assert "you are the only one who waits for GPUs" in await first_told(bob, "only one")


async def first_told(someone: Person, word: str) -> str:
    """Return the first sentence of a start's stream with a word in it."""
    async with asyncio.timeout(60), someone.events() as events:
        async for event in events:
            if word in event["message"]:
                return str(event["message"])
    raise AssertionError(word)
