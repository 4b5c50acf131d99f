"""An API server in memory, behind the same client: objects, merges, uids, watches; no admission and no controllers."""

import asyncio
import contextlib
import copy
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.exceptions import ConflictError, GoneError, KubernetesError, NotFoundError
from genkan_spawner.kinds import Kind

Failure = Callable[[str, str], KubernetesError | None]

_PATH = re.compile(
    r"(?P<group>/api/v1|/apis/[^/]+/[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)
_REQUIREMENT = re.compile(r"([^ ,=]+)(?:=([^,]+)| in \(([^)]*)\))")
"""Of a label selector: `name=value`, or `name in (one,another)`."""


class FakeCluster(KubernetesApi):
    """Answers `request` and `stream` from a dictionary of objects."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], JsonObject] = {}
        """By plural, namespace and name."""
        self.calls: Counter[tuple[str, str]] = Counter()
        """Requests by method and plural."""
        self.fails: Failure | None = None
        """Says of a request, by method and path, with what it fails."""
        self.loses: Failure | None = None
        """Says of a request that was carried out with what its answer is lost."""
        self.admits: Callable[[str, JsonObject], None] = lambda _plural, _body: None
        """Changes an object that is about to be created, by plural, or refuses it; a rehearsal too."""
        self.logs: dict[str, str] = {}
        """What the server of a pod has said, by the pod's name."""
        self._version = 0
        self._oldest = 0
        self._log: list[tuple[str, str, JsonObject]] = []
        self._news = asyncio.Event()

    def put(self, kind: Kind, manifest: JsonObject) -> JsonObject:
        """Create an object without a request."""
        metadata = manifest.setdefault("metadata", {})
        name = metadata.setdefault("name", f"{metadata.get('generateName', 'x')}{self._version}")
        metadata.setdefault("uid", f"uid-{name}-{self._version}")
        if kind.namespaced:
            metadata.setdefault("namespace", "default")
        self.objects[kind.plural, metadata.get("namespace", ""), name] = manifest
        self._say("ADDED", kind.plural, manifest)
        return manifest

    def find(self, kind: Kind, name: str, *, namespace: str = "default") -> JsonObject | None:
        return self.objects.get((kind.plural, namespace if kind.namespaced else "", name))

    def all(self, kind: Kind) -> list[JsonObject]:
        return [found for (plural, _, _), found in self.objects.items() if plural == kind.plural]

    def remove(self, kind: Kind, name: str, *, namespace: str = "default") -> None:
        """Remove an object at once, as a forced deletion does."""
        found = self.objects.pop((kind.plural, namespace if kind.namespaced else "", name))
        self._say("DELETED", kind.plural, found)

    def forget(self, kind: Kind, name: str, *, namespace: str = "default") -> None:
        """Remove an object without a word to those who watch."""
        del self.objects[kind.plural, namespace, name]

    def break_watches(self) -> None:
        """End all watches, and let none of them be resumed."""
        self._version += 1
        self._oldest = self._version
        self._log.append(("", "", {}))
        before, self._news = self._news, asyncio.Event()
        before.set()

    async def until(self, met: Callable[[], Any], *, seconds: float = 20) -> Any:
        """Wait until a condition, of the objects as a rule, is met."""
        async with asyncio.timeout(seconds):
            while not (result := met()):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed(), 0.05)
        return result

    async def close(self) -> None:
        return

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",  # noqa: ARG002  # all patches are merged alike
    ) -> JsonObject:
        await asyncio.sleep(0)
        match = _PATH.fullmatch(path)
        assert match is not None, path
        self.calls[method, match["plural"]] += 1
        if self.fails is not None and (failure := self.fails(method, path)) is not None:
            raise failure
        if match["subresource"] == "token":
            return {"status": {"token": f"token-of-{match['name']}"}}
        answer = self._answer(method, match, query or {}, body)
        if self.loses is not None and (failure := self.loses(method, path)) is not None:
            raise failure
        return answer

    async def text(self, path: str, *, query: Mapping[str, str] | None = None) -> str:  # noqa: ARG002
        await asyncio.sleep(0)
        match = _PATH.fullmatch(path)
        assert match is not None, path
        self.calls["GET", match["subresource"]] += 1
        if match["name"] not in self.logs:
            raise NotFoundError("no such pod", status=404)
        return self.logs[match["name"]]

    def _answer(self, method: str, match: re.Match[str], query: Mapping[str, str], body: Any) -> JsonObject:
        plural, namespace, name = match["plural"], match["namespace"] or "", match["name"]
        if method == "POST":
            return self._create(plural, namespace, json.loads(json.dumps(body)), rehearsal="dryRun" in query)
        if name is None:
            return self._list(plural, namespace, query)
        found = self.objects.get((plural, namespace, name))
        if found is None:
            raise NotFoundError(f'{plural} "{name}" not found', status=404)
        if method == "PATCH":
            return self._patch(plural, found, json.loads(json.dumps(body)))
        if method == "DELETE":
            self._delete(plural, namespace, found, body or {})
        return copy.deepcopy(found)

    @asynccontextmanager
    async def stream(
        self,
        path: str,
        *,
        query: Mapping[str, str],
        silence: float,  # noqa: ARG002  # this one is never silent
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        match = _PATH.fullmatch(path)
        assert match is not None
        if "watch" not in query:
            yield _one(json.dumps(await self.request("GET", path, query=query)).encode())
            return
        yield _Lines(self, match["plural"], match["namespace"] or "", query)

    def _create(self, plural: str, namespace: str, body: JsonObject, *, rehearsal: bool = False) -> JsonObject:
        metadata = body.setdefault("metadata", {})
        name = metadata.setdefault("name", f"{metadata.get('generateName', '')}{self._version}")
        self.admits(plural, body)
        if (plural, namespace, name) in self.objects:
            raise ConflictError(f'{plural} "{name}" already exists', status=409)
        metadata.setdefault("uid", f"uid-{name}-{self._version}")
        if namespace:
            metadata["namespace"] = namespace
        if rehearsal:
            return body
        self.objects[plural, namespace, name] = body
        self._say("ADDED", plural, body)
        return copy.deepcopy(body)

    def _list(self, plural: str, namespace: str, query: Mapping[str, str]) -> JsonObject:
        items = [
            copy.deepcopy(found)
            for (kind, where, _), found in self.objects.items()
            if kind == plural and (not namespace or where == namespace) and selected(found, query)
        ]
        return {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _patch(self, plural: str, found: JsonObject, patch: JsonObject) -> JsonObject:
        wanted = (patch.get("metadata") or {}).get("uid")
        if wanted is not None and wanted != found["metadata"]["uid"]:
            raise ConflictError("Precondition failed: UID in precondition", status=409)
        _merge(found, patch)
        self._say("MODIFIED", plural, found)
        return copy.deepcopy(found)

    def _delete(self, plural: str, namespace: str, found: JsonObject, options: JsonObject) -> None:
        wanted = (options.get("preconditions") or {}).get("uid")
        metadata = found["metadata"]
        if wanted is not None and wanted != metadata["uid"]:
            raise ConflictError("Precondition failed: UID in precondition", status=409)
        ended = (found.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
        if plural == "pods" and options.get("gracePeriodSeconds") != 0 and not ended:
            metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            metadata["deletionGracePeriodSeconds"] = options.get("gracePeriodSeconds", 30)
            self._say("MODIFIED", plural, found)
            return
        del self.objects[plural, namespace, metadata["name"]]
        self._say("DELETED", plural, found)

    def _say(self, change: str, plural: str, found: JsonObject) -> None:
        self._version += 1
        found["metadata"]["resourceVersion"] = str(self._version)
        self._log.append((change, plural, copy.deepcopy(found)))
        before, self._news = self._news, asyncio.Event()
        before.set()

    async def _changed(self) -> None:
        await self._news.wait()


async def _one(line: bytes) -> AsyncIterator[bytes]:
    yield line


class _Lines:
    """The lines of a watch, from a version on, without end."""

    def __init__(self, cluster: FakeCluster, plural: str, namespace: str, query: Mapping[str, str]) -> None:
        self._cluster = cluster
        self._plural = plural
        self._namespace = namespace
        self._query = query
        self._next = int(query["resourceVersion"])

    def __aiter__(self) -> "_Lines":
        return self

    async def __anext__(self) -> bytes:
        while True:
            if self._next < self._cluster._oldest:
                raise GoneError("too old resource version", status=410)
            while self._next < len(self._cluster._log):
                change, plural, found = self._cluster._log[self._next]
                self._next += 1
                here = not self._namespace or found["metadata"].get("namespace") == self._namespace
                if plural == self._plural and here and selected(found, self._query):
                    return json.dumps({"type": change, "object": found}).encode() + b"\n"
            await self._cluster._changed()


def selected(found: JsonObject, query: Mapping[str, str]) -> bool:
    """Whether the selectors that the agent and the spawner use let an object through."""
    labels = found["metadata"].get("labels") or {}
    for name, single, several in _REQUIREMENT.findall(query.get("labelSelector", "")):
        if labels.get(name) not in (single or several).split(","):
            return False
    selector = query.get("fieldSelector", "")
    if selector == "spec.nodeName!=":
        return bool(found["spec"].get("nodeName"))
    if selector.startswith("metadata.name="):
        return bool(found["metadata"]["name"] == selector.removeprefix("metadata.name="))
    if selector.startswith("involvedObject.uid="):
        return bool(found["involvedObject"]["uid"] == selector.removeprefix("involvedObject.uid="))
    assert not selector
    return True


def _merge(target: JsonObject, patch: JsonObject) -> None:
    for key, value in patch.items():
        if key == "conditions":
            merged = {condition["type"]: condition for condition in [*target.get(key, []), *value]}
            target[key] = list(merged.values())
        elif value is None:
            target.pop(key, None)
        elif isinstance(value, dict):
            inner = target.setdefault(key, {})
            _merge(inner, value)
        else:
            target[key] = value
