"""The site of the tests of homes, what its hub offers, and what administrators do there."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import AbstractAsyncContextManager
from urllib.parse import quote

from genkan_sandbox.agent.faults import FaultKind, fault_entry
from genkan_sandbox.fault_command import change_faults
from genkan_spawner.api import JsonObject, KubernetesApi

from ...support.hub import Person
from ...support.sandbox import SandboxRun

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
  - {name: shares, gid: 3001, folders: {vision: "2770"}}
  - {name: datasets, folders: {images: "755"}}
users:
  - {name: alice, groups: [vision, language]}
  - {name: bob, groups: [vision]}
  - {name: carol, groups: [vision], admin: true}
  - {name: dave, groups: [vision]}
  - {name: frank, groups: [language]}
  - {name: ivy, groups: [vision]}
  - {name: jack, groups: [vision]}
"""

HUB = """
import os

NUMBERS = {"alice": 2001, "bob": 2002, "carol": 2003, "dave": 2004, "frank": 2006, "ivy": 2007, "jack": 2008}


async def known(authenticator, handler, authentication):
    authentication["auth_state"] = {"directory": {"uidNumber": [str(NUMBERS[authentication["name"]])]}}
    return authentication


c.CryptKeeper.keys = [os.urandom(32)]
c.Authenticator.enable_auth_state = True
c.Authenticator.post_auth_hook = known
"""

ON_EXPORT = "{kind: shared, claim: homes, folder: home, ownership: {uid_claim: uidNumber, gid: 100}}"
ON_DISKS = "{kind: claim, size: 1Gi, storage_class: block, ownership: {uid_claim: uidNumber, gid: 100}}"

_OFFERED = """\
hardware:
  - {slug: here, display_name: "Here HOMES", cpu: 500m, memory: 1Gi, node_selector: {kubernetes.io/hostname: a-0}}
  - {slug: there, display_name: There, cpu: 500m, memory: 1Gi, node_selector: {kubernetes.io/hostname: b-0}}
images: [{slug: one, display_name: One, image: "registry.example.org/genkan/one:1"}]
teams:
  - {group: vision, display_name: Vision, namespace: vision}
  - {group: language, display_name: Language, namespace: language}
volumes:
  - {slug: scratch, display_name: Scratch, mount_path: /home/jovyan/scratch, scratch: {size: 1Gi, caches: true}}
  - {slug: share, display_name: Share, mount_path: /share, claim: shares, sub_path: vision, gid: 3001, groups: [vision]}
  - slug: data
    display_name: Images
    mount_path: /data/images
    claim: datasets
    sub_path: images
    read_only: true
    groups: [vision]
homes: HOMES
"""


def offered(homes: str) -> str:
    """Return a catalogue with these homes, which its first hardware tells on the form."""
    kind = homes.partition(",")[0].removeprefix("{")
    return _OFFERED.replace("Here HOMES", f"Here {kind}").replace("HOMES", homes)


async def offer(run: SandboxRun, homes: str) -> None:
    """Change the hub's catalogue, and wait until forms have it."""
    run.state.with_name("catalogue.yaml").write_text(text := offered(homes))
    told = text.partition('display_name: "')[2].partition('"')[0]
    async with visiting(run, "carol") as carol, asyncio.timeout(30):
        while told not in (await carol.page("spawn")).text:
            await asyncio.sleep(0.1)


def visiting(run: SandboxRun, name: str) -> AbstractAsyncContextManager[Person]:
    """Log in, and leave no server behind."""
    return Person.visiting(run.url, run.user(name))


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


async def stopped(admin: Person, user: str) -> None:
    """Stop a user's default server, and wait until it is gone."""
    answer = await admin.api("DELETE", f"users/{quote(user, safe='')}/server")
    assert answer.is_success, answer.text
    await until_ended(admin, user)


async def until_ended(admin: Person, user: str, *, name: str = "") -> None:
    """Wait until a start or a server has ended."""
    async with asyncio.timeout(60):
        while (found := await server(admin, user, name=name)) and (found["pending"] or not found["stopped"]):
            await asyncio.sleep(0.1)


async def add_fault(api: KubernetesApi, kind: FaultKind, **match: str) -> str:
    """Make something go wrong from now on; returns the key by which it is healed."""
    entry = fault_entry(kind, **match)
    await change_faults(api, entry)
    (key,) = entry
    return key


def listed_homes(run: SandboxRun, token: str, *more: str) -> list[JsonObject]:
    """Return what the command lists, asked as an administrator asks it."""
    assert run.ready is not None
    catalogue, export = run.state.with_name("catalogue.yaml"), run.state / "exports" / "homes"
    words = ["homes", "list", "--json", "--catalogue", str(catalogue), "--export", str(export), *more]
    access = {"JUPYTERHUB_API_URL": f"{run.url}hub/api", "JUPYTERHUB_API_TOKEN": token}
    done = subprocess.run(
        [sys.executable, "-c", "from genkan_hub.cli import main; main()", *words],
        env={**os.environ, **access, "KUBECONFIG": str(run.ready.kubeconfig)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
