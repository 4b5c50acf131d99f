"""The hub's rights as the chart renders them: enough for the whole way, and each of them used and needed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest

from genkan_hub.deployment.rights import Right, hub_rights
from genkan_sandbox.agent.faults import FaultKind
from genkan_sandbox.operations import find_log
from genkan_sandbox.state import StateDirectory
from genkan_spawner.api import JsonObject, KubernetesApi, PatchType
from genkan_spawner.exceptions import ForbiddenError
from genkan_spawner.kinds import CLUSTER_ROLES, KINDS, ROLES, Kind

from ...support.cluster import Cluster
from ...support.hub import Person
from ...support.sandbox import SandboxRun

ACCOUNT = "system:serviceaccount:genkan:genkan-hub"
CPU = {"profile": "cpu-small"}
VISION = "vision"
WITHIN = 30
FORBIDDEN = 403


def verbs(rights: tuple[Right, ...]) -> set[tuple[str, str]]:
    """Return verbs with their resources, as in the file of rights."""
    return {(verb, right.resource) for right in rights for verb in right.verbs}


def entries(run: SandboxRun) -> Iterator[JsonObject]:
    """Yield the requests of the hub that the API server has logged."""
    log = find_log(StateDirectory(run.state), "audit")
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            entry = json.loads(line)
            resource = entry.get("objectRef", {}).get("resource", "")
            # Everybody may ask who they are and what they may do.
            if entry["user"]["username"] == ACCOUNT and resource and not resource.startswith("selfsubject"):
                yield entry


def asked(entry: JsonObject) -> tuple[str, str]:
    target = entry["objectRef"]
    name = "/".join(filter(None, (target["resource"], target.get("subresource"))))
    return entry["verb"], ".".join(filter(None, (name, target.get("apiGroup"))))


ALL = hub_rights().servers + hub_rights().cluster + hub_rights().everywhere


async def replaced(run: SandboxRun, person: Person) -> None:
    """End the hub, and wait until the next one answers."""
    old = run.component("hub")
    old.kill()
    async with asyncio.timeout(WITHIN):
        while run.pid("hub") in {0, old.pid}:
            await asyncio.sleep(0.05)
        while True:
            with contextlib.suppress(httpx.HTTPError, KeyError, ValueError):
                if (await person.api("GET", "")).status_code == httpx.codes.OK:
                    return
            await asyncio.sleep(0.1)


async def test_the_whole_way_works_and_uses_each_right_and_no_other(
    run: SandboxRun, cluster: Cluster, alice: Person, bob: Person
) -> None:
    """Also while the hub is replaced in the middle of a start, and where a server fails."""
    slow = await cluster.add_fault(FaultKind.SLOW_PULL, image=".*", seconds=3600)
    await alice.submit(**CPU)
    await cluster.until_pods_of("alice")
    await replaced(run, alice)
    await cluster.heal(slow)
    await alice.until(ready=True)
    await alice.reach()
    assert await alice.run("6 * 7") == "42"
    await alice.stop()
    await bob.submit(**CPU)
    await bob.until(ready=False)

    wanted, used = verbs(ALL), set[tuple[str, str]]()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WITHIN):
            # The log is written a second later.
            while not wanted <= used:
                await asyncio.sleep(0.5)
                used = {asked(entry) for entry in entries(run) if entry["responseStatus"]["code"] != FORBIDDEN}
    assert used == wanted


@pytest.fixture
async def target(cluster: Cluster) -> str:
    """A pod and a claim of this name in the namespace of a team."""
    pod = await cluster.add_pod(namespace=VISION)
    name: str = pod["metadata"]["name"]
    await cluster.add(claim(name))
    return name


def claim(name: str) -> JsonObject:
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    metadata = {"name": name, "namespace": VISION}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def kind_of(right: Right) -> Kind:
    return next(kind for kind in KINDS.values() if kind.plural == right.plural.partition("/")[0])


async def ask(hub: KubernetesApi, right: Right, verb: str, *, target: str) -> bool:
    """Send the request that a right is for, without consequences; return whether it was allowed."""
    kind = kind_of(right)
    namespace = VISION if right in hub_rights().servers else None
    name, _, part = right.plural.partition("/")
    path = {"list": kind.path(namespace=namespace), "watch": kind.path(namespace=namespace)}.get(
        verb, kind.path(namespace=namespace, name=None if verb == "create" else target, subresource=part or None)
    )
    query = {"dryRun": "All"} if verb in {"create", "delete"} else None
    method = {"create": "POST", "delete": "DELETE"}.get(verb, "GET")
    bodies = {"pods": pod_manifest(f"{target}-2"), "persistentvolumeclaims": claim(f"{target}-2")}
    try:
        if verb == "watch":
            async with hub.stream(path, query={"watch": "true"}, silence=WITHIN):
                pass
        elif part:
            await hub.text(path)
        else:
            await hub.request(method, path, query=query, body=bodies[name] if verb == "create" else None)
    except ForbiddenError as e:
        # A quota or a standard would refuse in other words.
        if f"cannot {verb} resource" not in e.message:
            raise
        return False
    return True


def pod_manifest(name: str) -> JsonObject:
    container = {
        "name": "main",
        "image": "registry.example.org/tests/image:1",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}
    spec = {"containers": [container], "securityContext": security}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": VISION}, "spec": spec}


@asynccontextmanager
async def without(cluster: Cluster, right: Right) -> AsyncIterator[None]:
    """Take one rule out of the role that has it."""
    namespace = VISION if right in hub_rights().servers else None
    kind, name = (ROLES, "genkan-hub") if namespace else (CLUSTER_ROLES, "genkan-platform-genkan-view")
    rules = (await cluster.api.get(kind, name, namespace=namespace))["rules"]
    left = [rule for rule in rules if rule != right.rule]
    assert len(left) == len(rules) - 1

    async def give(rules: list[JsonObject]) -> None:
        await cluster.api.patch(kind, name, {"rules": rules}, namespace=namespace, patch_type=PatchType.MERGE)

    await give(left)
    try:
        yield
    finally:
        await give(rules)


async def until(wanted: Callable[[], Awaitable[bool]]) -> None:
    """The API server learns of a changed role a moment later."""
    async with asyncio.timeout(WITHIN):
        while not await wanted():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("right", ALL, ids=lambda right: f"{'+'.join(right.verbs)} {right.resource}: {right.without}")
async def test_without_a_rule_what_it_is_for_is_refused(
    cluster: Cluster, hub: KubernetesApi, target: str, right: Right
) -> None:
    for verb in right.verbs:
        assert await ask(hub, right, verb, target=target)
    async with without(cluster, right):
        for verb in right.verbs:

            async def refused(verb: str = verb) -> bool:
                return not await ask(hub, right, verb, target=target)

            await until(refused)
    for verb in right.verbs:

        async def allowed(verb: str = verb) -> bool:
            return await ask(hub, right, verb, target=target)

        await until(allowed)
