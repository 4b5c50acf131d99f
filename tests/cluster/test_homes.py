"""Homes in one export: the same on every machine and in every team, of one user only, and never taken away."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from genkan_profiles.home_names import stable_name
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import NAMESPACES, PODS

from ..support.hub import Person
from ..support.sandbox import SandboxRun, sandbox_run

SITE = """\
description: Two machines, two teams and one file server on which the administrators of machines have no rights.
catalogue: sample
pools:
  - {name: a, count: 1, cpu: 16, memory: 64Gi}
  - {name: b, count: 1, cpu: 16, memory: 64Gi}
namespaces:
  - {name: genkan, pod_security: restricted}
  - {name: vision, pod_security: restricted}
  - {name: language, pod_security: restricted}
priority_classes:
  - {name: genkan-high, value: 3}
  - {name: genkan-normal, value: 2}
  - {name: genkan-burst, value: 1}
exports:
  - {name: homes, gid: 100, folders: {home: "1771"}}
users:
  - {name: alice, groups: [vision, language]}
  - {name: bob, groups: [vision]}
  - {name: carol, groups: [vision], admin: true}
  - {name: dave, groups: [vision]}
"""
CATALOGUE = """\
hardware:
  - {slug: here, display_name: Here, cpu: 500m, memory: 1Gi, node_selector: {kubernetes.io/hostname: a-0}}
  - {slug: there, display_name: There, cpu: 500m, memory: 1Gi, node_selector: {kubernetes.io/hostname: b-0}}
images: [{slug: one, display_name: One, image: "registry.example.org/genkan/one:1"}]
teams:
  - {group: vision, display_name: Vision, namespace: vision}
  - {group: language, display_name: Language, namespace: language}
volumes:
  - {slug: scratch, display_name: Scratch, mount_path: /home/jovyan/scratch, scratch: {size: 1Gi, caches: true}}
homes:
  kind: shared
  claim: homes
  folder: home
  ownership: {uid_claim: uidNumber, gid: 100}
"""
HUB = """
import os

NUMBERS = {"alice": 2001, "bob": 2002, "carol": 2003, "dave": 2004}


async def known(authenticator, handler, authentication):
    authentication["auth_state"] = {"directory": {"uidNumber": [str(NUMBERS[authentication["name"]])]}}
    return authentication


c.CryptKeeper.keys = [os.urandom(32)]
c.Authenticator.enable_auth_state = True
c.Authenticator.post_auth_hook = known
"""
LOOK = "import os, stat; found = os.stat({path!r}); print(oct(stat.S_IMODE(found.st_mode)), found.st_uid, os.getuid())"


@pytest.fixture(scope="module")
def run(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxRun]:
    """A sandbox whose hub has homes in an export."""
    folder = tmp_path_factory.mktemp("homes")
    (folder / "catalogue.yaml").write_text(CATALOGUE)
    (folder / "site.yaml").write_text(SITE)
    config = folder / "jupyterhub_config.py"
    config.write_text(f"c.GenkanSpawner.catalogue_file = {str(folder / 'catalogue.yaml')!r}\n{HUB}")
    with sandbox_run(folder / "state", "--site", str(folder / "site.yaml"), "--hub-config", str(config)) as run:
        run.wait_ready()
        yield run


@pytest.fixture
def homes(run: SandboxRun) -> Path:
    """The folder of homes, as the file server has it."""
    return run.state / "exports" / "homes" / "home"


@pytest.fixture
async def api(run: SandboxRun) -> AsyncIterator[KubernetesApi]:
    assert run.ready is not None
    async with await KubernetesApi.connect(run.ready.kubeconfig) as api:
        yield api


def visiting(run: SandboxRun, name: str) -> AbstractAsyncContextManager[Person]:
    """Log in, and leave no server behind."""
    return Person.visiting(run.url, run.user(name))


async def test_a_home_is_the_same_on_each_machine_and_in_each_team(
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
        listed = await asyncio.to_thread(listed_homes, run, carol.token)

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


async def made(admin: Person, name: str, number: int | None) -> None:
    """Create a user in the team of vision, with a number of the authenticator's if there is one."""
    path = f"users/{quote(name, safe='')}"
    answer = await admin.api("POST", path)
    assert answer.is_success, answer.text
    if number is not None:
        answer = await admin.api("PATCH", path, json={"auth_state": {"uidNumber": number}})
        assert answer.is_success, answer.text
    answer = await admin.api("POST", "groups/vision/users", json={"users": [name]})
    assert answer.is_success, answer.text


async def requested(admin: Person, user: str, *, name: str = "") -> None:
    """Start a server of somebody else's."""
    path = f"users/{quote(user, safe='')}/{f'servers/{name}' if name else 'server'}"
    answer = await admin.api("POST", path, json={"user_options": {"profile": "here"}})
    assert answer.is_success, answer.text


async def server(admin: Person, user: str, *, name: str = "") -> JsonObject:
    """Return what the hub says of a server; empty where there is none."""
    servers = (await admin.api("GET", f"users/{quote(user, safe='')}")).json()["servers"]
    found: JsonObject = servers.get(name, {})
    return found


async def until(admin: Person, user: str, *, name: str = "") -> None:
    """Wait until a server is ready."""
    async with asyncio.timeout(120):
        while not (found := await server(admin, user, name=name)).get("ready"):
            assert found, f"The start for {user} ended."
            await asyncio.sleep(0.1)


def listed_homes(run: SandboxRun, token: str) -> list[JsonObject]:
    """Return what the command lists, asked as an administrator asks it."""
    catalogue, export = run.state.with_name("catalogue.yaml"), run.state / "exports" / "homes"
    words = ["homes", "list", "--json", "--catalogue", str(catalogue), "--export", str(export), "--no-sizes"]
    done = subprocess.run(
        [sys.executable, "-c", "from genkan_hub.cli import main; main()", *words],
        env={**os.environ, "JUPYTERHUB_API_URL": f"{run.url}hub/api", "JUPYTERHUB_API_TOKEN": token},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
