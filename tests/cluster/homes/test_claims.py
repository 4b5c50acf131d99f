"""Homes that are disks of their own: they go with their user from machine to machine, and none is lost in silence."""

import asyncio
import html
from datetime import UTC, datetime

import httpx
import pytest

from genkan_sandbox.agent.faults import FaultKind
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import CLAIMS, PODS, VOLUME_ATTACHMENTS

from ...support.sandbox import SandboxRun
from ..test_starts import refusal
from .site import ON_DISKS, add_fault, listed_homes, made, offer, requested, stopped, until, visiting

NAMESPACE = "vision"
LOOK = "import os; found = os.stat({path!r}); print(oct(found.st_mode & 0o777), found.st_uid)"


@pytest.fixture(scope="module", autouse=True)
async def _offered(run: SandboxRun) -> None:
    await offer(run, ON_DISKS)


async def pod_of(api: KubernetesApi, name: str) -> JsonObject:
    return await api.get(PODS, name, namespace=NAMESPACE)


async def attached_to(api: KubernetesApi, claim: str) -> list[str]:
    """Return the machines to which the disk of a claim is attached."""
    found = await api.get(CLAIMS, claim, namespace=NAMESPACE)
    volume = found["spec"]["volumeName"]
    rows = await api.list(VOLUME_ATTACHMENTS)
    return [row["spec"]["nodeName"] for row in rows if row["spec"]["source"]["persistentVolumeName"] == volume]


async def test_a_disk_goes_with_its_user_to_another_machine(run: SandboxRun, api: KubernetesApi) -> None:
    async with visiting(run, "ivy") as ivy:
        await ivy.start(profile="here", team=NAMESPACE)
        await ivy.write("thesis.txt", "chapter one")
        await ivy.run("import os; os.chmod('/home/jovyan/thesis.txt', 0o640); os.mkdir('/home/jovyan/.cache', 0o700)")
        assert (await pod_of(api, "jupyter-ivy"))["spec"]["nodeName"] == "a-0"
        assert await attached_to(api, "home-ivy") == ["a-0"]

        # A second server of hers would need the disk on another machine.
        answer = await ivy.submit(profile="there", name="second", team=NAMESPACE)
        assert answer.status_code == httpx.codes.CONFLICT
        assert (
            "Your home is in use by your other server on another machine, which has no room for this. "
            "Stop that one first, or choose other hardware."
        ) in html.unescape(answer.text)
        await ivy.stop()

        await ivy.start(profile="there", team=NAMESPACE)
        assert (await pod_of(api, "jupyter-ivy"))["spec"]["nodeName"] == "b-0"
        assert await attached_to(api, "home-ivy") == ["b-0"]
        assert await ivy.read("thesis.txt") == "chapter one"
        assert await ivy.run(LOOK.format(path="/home/jovyan/thesis.txt")) == "0o640 2007"
        assert await ivy.run(LOOK.format(path="/home/jovyan/.cache")) == "0o700 2007"


async def test_a_home_that_is_full_is_named_as_such(run: SandboxRun, api: KubernetesApi) -> None:
    await add_fault(api, FaultKind.FULL_VOLUME, claim="home-jack", namespace=NAMESPACE)
    async with visiting(run, "jack") as jack:
        told = await refusal(jack, profile="here", team=NAMESPACE)
    assert "Your home is full, and the server could not write to it. Ask an administrator for more room." in told
    assert "No space left on device" in told


async def test_a_home_without_its_user_is_listed_with_its_last_use(run: SandboxRun, api: KubernetesApi) -> None:
    async with visiting(run, "carol") as carol:
        await made(carol, "gina", 2400)
        await requested(carol, "gina")
        await until(carol, "gina")
        used = datetime.now(tz=UTC).replace(microsecond=0)
        await stopped(carol, "gina")
        assert (await carol.api("DELETE", "users/gina")).is_success
        await until_unused(api, "home-gina")
        listed = await asyncio.to_thread(listed_homes, run, carol.token)
    (found,) = [row for row in listed if row["claim"] == "home-gina"]
    assert (found["user"], found["known"], found["size"]) == ("gina", False, 2**30)
    assert datetime.fromisoformat(found["made"]) < used <= datetime.fromisoformat(found["last_use"])
    assert datetime.fromisoformat(found["last_use"]) <= datetime.now(tz=UTC)


async def until_unused(api: KubernetesApi, claim: str) -> None:
    """Wait until Kubernetes has noted that nothing uses a claim any more."""
    async with asyncio.timeout(30):
        while True:
            found = await api.get(CLAIMS, claim, namespace=NAMESPACE)
            rows = found["status"].get("conditions", [])
            if any(row["type"] == "Unused" and row["status"] == "True" for row in rows):
                return
            await asyncio.sleep(0.05)


async def test_a_home_that_was_lost_is_made_anew_for_nobody_but_who_is_new_to_the_hub(
    run: SandboxRun, api: KubernetesApi
) -> None:
    async with visiting(run, "carol") as carol:
        await made(carol, "hugo", 2500)
        await requested(carol, "hugo")
        await until(carol, "hugo")
        await stopped(carol, "hugo")
        await api.delete(CLAIMS, "home-hugo", namespace=NAMESPACE)
        await until_there(api, "home-hugo", there=False)
        answer = await carol.api("POST", "users/hugo/server", json={"user_options": {"profile": "here"}})
        assert answer.status_code == httpx.codes.CONFLICT
        assert answer.json()["message"] == (
            "Your home was the storage home-hugo, and is not there now; a new one would be empty. "
            "Tell an administrator: the hub's documentation on moving homes says what to do."
        )
        assert (await carol.api("DELETE", "users/hugo")).is_success
        await made(carol, "hugo", 2500)
        await requested(carol, "hugo")
        await until_there(api, "home-hugo", there=True)
        await until(carol, "hugo")
        await stopped(carol, "hugo")


async def until_there(api: KubernetesApi, claim: str, *, there: bool) -> None:
    async with asyncio.timeout(30):
        while (claim in [row["metadata"]["name"] for row in await api.list(CLAIMS, namespace=NAMESPACE)]) is not there:
            await asyncio.sleep(0.05)
