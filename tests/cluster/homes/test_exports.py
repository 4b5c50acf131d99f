"""Homes in one export: the same on every machine and in every team, of one user only, and never taken away."""

import asyncio
import os
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from genkan_profiles.home_names import stable_name
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import NAMESPACES, PODS

from ...support.sandbox import SandboxRun
from ..test_starts import refusal
from .site import (
    ON_EXPORT,
    listed_homes,
    made,
    offer,
    requested,
    server,
    until,
    visiting,
)

LOOK = "import os, stat; found = os.stat({path!r}); print(oct(stat.S_IMODE(found.st_mode)), found.st_uid, os.getuid())"


@pytest.fixture(scope="module", autouse=True)
async def _offered(run: SandboxRun) -> None:
    await offer(run, ON_EXPORT)


async def test_a_home_is_the_same_on_each_machine_and_in_each_team_or_there_is_none(
    run: SandboxRun, api: KubernetesApi, homes: Path
) -> None:
    async with visiting(run, "alice") as alice:
        await alice.start(profile="here", team="vision")
        await alice.write("thesis.txt", "chapter one")
        await alice.run("import os; os.chmod('/home/jovyan/thesis.txt', 0o640)")
        assert await alice.run(LOOK.format(path="/home/jovyan")) == "0o700 2001 2001"
        cached = await alice.run("import os; os.makedirs(os.environ['HF_HOME']); print(os.environ['HF_HOME'])")
        assert cached == "/home/jovyan/scratch/.cache/huggingface"
        (first,) = await api.list(PODS, namespace="vision")
        await alice.stop()

        # As when a disk is not mounted on the file server.
        aside = (homes / "alice").rename(homes.with_name("aside"))
        told = await refusal(alice, profile="there", team="language")
        assert "You have had a home, and it is not in its place on the file server; a new one would be empty." in told
        assert "alice" not in folders_in(homes)
        aside.rename(homes / "alice")

        await alice.start(profile="there", team="language")
        assert await alice.read("thesis.txt") == "chapter one"
        assert await alice.run(LOOK.format(path="/home/jovyan/thesis.txt")) == "0o640 2001 2001"
        (second,) = await api.list(PODS, namespace="language")

    assert [pod["spec"]["nodeName"] for pod in (first, second)] == ["a-0", "b-0"]
    assert {(claim(pod), mounts(pod)) for pod in (first, second)} == {("homes", "home/alice")}
    assert [name for name in folders_in(homes) if "alice" in name] == ["alice"]
    for namespace in ("vision", "language"):
        labels = (await api.get(NAMESPACES, namespace))["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


async def test_nobody_reads_the_home_of_somebody_else(run: SandboxRun, homes: Path) -> None:
    search = "import os; print([path for path, _, files in os.walk('/') if 'secret-of-bob.txt' in files])"
    async with visiting(run, "bob") as bob, visiting(run, "dave") as dave:
        await asyncio.gather(bob.start(profile="here"), dave.start(profile="here"))
        await bob.write("secret-of-bob.txt", "word")
        assert await bob.run(search) == "['/home/jovyan']"
        assert await dave.run(search) == "[]"
        assert await dave.run("import os; print(os.path.exists('/homes'), os.listdir('/home'))") == "False ['jovyan']"
        await dave.run("import os; os.symlink('../bob', '/home/jovyan/link')")
        assert "FileNotFoundError" in await dave.run("import os; os.listdir('/home/jovyan/link')")
    if os.geteuid() == 0:
        owners = {name: (homes / name).stat() for name in ("bob", "dave")}
        assert owners["bob"].st_uid != owners["dave"].st_uid
        assert {found.st_mode & 0o777 for found in owners.values()} == {0o700}


async def test_users_of_any_name_have_a_home_each(run: SandboxRun, homes: Path) -> None:
    names = ["\u00e9.tude@example.org", "e\u0301.tude@example.org"]
    async with visiting(run, "carol") as carol:
        await asyncio.gather(*(made(carol, name, number) for number, name in enumerate(names, 2100)))
        for name in names:
            await requested(carol, name)
        for name in names:
            await until(carol, name)
        folders = {stable_name(name) for name in names}
        assert len(folders) == len(names)
        assert folders_in(homes) >= folders
        await asyncio.gather(*(carol.api("DELETE", f"users/{quote(name, safe='')}/server") for name in names))


async def test_what_stands_against_a_home_is_told_at_once(run: SandboxRun, homes: Path) -> None:
    (homes / "mallory").write_text("")
    async with visiting(run, "carol") as carol:
        await made(carol, "mallory", 2200)
        await made(carol, "nobody", None)
        unknown = await carol.api("POST", "users/nobody/server", json={"user_options": {"profile": "here"}})
        assert httpx.codes.is_client_error(unknown.status_code)
        assert unknown.json()["message"] == (
            "Your home cannot be mounted: the sign-in does not tell your number as a user (uidNumber). "
            "Tell an administrator."
        )
        await carol.api("POST", "users/mallory/server", json={"user_options": {"profile": "here"}})
        async with asyncio.timeout(60):
            while (await server(carol, "mallory")).get("pending"):
                await asyncio.sleep(0.1)
    log = (run.state / "logs" / "hub.log").read_text()
    assert "There is a file where your home should be. Tell an administrator." in log
    assert (homes / "mallory").read_text() == ""


async def test_homes_outlive_servers_and_users(run: SandboxRun, homes: Path) -> None:
    async with visiting(run, "carol") as carol:
        await made(carol, "erin", 2300)
        await requested(carol, "erin", name="second")
        await until(carol, "erin", name="second")
        answer = await carol.api("DELETE", "users/erin/servers/second", json={"remove": True})
        assert answer.is_success, answer.text
        async with asyncio.timeout(60):
            while (await carol.api("GET", "users/erin")).json()["servers"]:
                await asyncio.sleep(0.1)
        assert (homes / "erin").is_dir()
        assert (await carol.api("DELETE", "users/erin")).is_success
        listed = await asyncio.to_thread(listed_homes, run, carol.token, "--no-sizes")

    assert (homes / "erin").is_dir()
    assert {row["path"]: (row["user"], row["known"]) for row in listed}["home/erin"] == (None, False)


def folders_in(homes: Path) -> set[str]:
    return {path.name for path in homes.iterdir()}


def claim(pod: JsonObject) -> str:
    (volume,) = [row for row in pod["spec"]["volumes"] if row["name"] == "genkan-home"]
    found: str = volume["persistentVolumeClaim"]["claimName"]
    return found


def mounts(pod: JsonObject) -> str:
    """Return the folder of homes' claim that the server's container sees."""
    (container,) = pod["spec"]["containers"]
    (mount,) = [row for row in container["volumeMounts"] if row["name"] == "genkan-home"]
    found: str = mount["subPath"]
    return found
