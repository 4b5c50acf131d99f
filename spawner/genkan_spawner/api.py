"""Raw, typed access to the Kubernetes API on kubernetes_asyncio's transport.

The client's model objects cost three times the decoding of the JSON itself (10,000 pods: 12 s against 4 s), so objects
stay dictionaries until a caller projects what it needs. This is the one place where a library's exceptions become ours.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from kubernetes_asyncio import client, config

from genkan_spawner.exceptions import KubernetesError, UnreachableError
from genkan_spawner.kinds import KINDS, Kind

JsonObject = dict[str, Any]

PAGE = 500
"""Objects per page of a list, as kubectl asks for."""

TIMEOUT = 30.0
"""Seconds for one request that is not a watch."""

_REQUEST_LIMITS = aiohttp.ClientTimeout(total=TIMEOUT)


class PatchType(StrEnum):
    """How the API merges a patch into an object.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
    """

    APPLY = "application/apply-patch+yaml"
    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"


class KubernetesApi:
    """Requests to one API server, JSON in and JSON out; every failure is a KubernetesError."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._client = api_client

    @classmethod
    async def connect(cls, kubeconfig: Path) -> Self:
        """Read a kubeconfig; no request is sent yet."""
        return cls(await config.new_client_from_config(config_file=str(kubeconfig), persist_config=False))

    @classmethod
    async def connect_from_here(cls) -> Self:
        """Connect with the rights of the pod that this runs in, else by the kubeconfig that kubectl would take.

        No request is sent yet; raises KubernetesError where there is neither.
        """
        configuration = client.Configuration()
        try:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # theirs
        except config.ConfigException:
            try:
                await config.load_kube_config(client_configuration=configuration, persist_config=False)
            except (config.ConfigException, OSError) as e:
                raise KubernetesError("There is neither a pod's service account here nor a kubeconfig.") from e
        return cls(client.ApiClient(configuration))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def client(self) -> client.ApiClient:
        """The transport, for libraries that want it."""
        return self._client

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.close()

    async def get(self, kind: Kind, name: str, *, namespace: str | None = None) -> JsonObject:
        """Read one object."""
        return await self.request("GET", kind.path(namespace=namespace, name=name))

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
    ) -> list[JsonObject]:
        """Read all objects of a kind, page by page."""
        selectors = {"labelSelector": label_selector, "fieldSelector": field_selector}
        query = {key: value for key, value in selectors.items() if value is not None}
        return [item async for page in self.pages(kind, namespace=namespace, query=query) for item in page["items"]]

    async def pages(
        self, kind: Kind, *, namespace: str | None = None, query: Mapping[str, str] | None = None
    ) -> AsyncIterator[JsonObject]:
        """Read a list in pages of 500, each with its `metadata`."""
        proceed: str | None = None
        while True:
            page_query = {**(query or {}), "limit": str(PAGE)}
            if proceed:
                page_query["continue"] = proceed
            page = await self.request("GET", kind.path(namespace=namespace), query=page_query)
            page["items"] = page.get("items") or []
            yield page
            proceed = page["metadata"].get("continue")
            if not proceed:
                return

    async def create(self, kind: Kind, body: JsonObject, *, namespace: str | None = None) -> JsonObject:
        """Create one object."""
        return await self.request("POST", kind.path(namespace=namespace), body=body)

    async def patch(
        self,
        kind: Kind,
        name: str,
        body: Any,
        *,
        namespace: str | None = None,
        subresource: str | None = None,
        patch_type: PatchType = PatchType.STRATEGIC,
    ) -> JsonObject:
        """Change parts of one object, or of one of its subresources."""
        path = kind.path(namespace=namespace, name=name, subresource=subresource)
        return await self.request("PATCH", path, body=body, content_type=patch_type)

    async def apply(self, manifest: JsonObject, *, field_manager: str) -> JsonObject:
        """Create an object or bring it to the manifest's state (server-side apply, conflicts forced).

        https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        kind = KINDS[manifest["kind"]]
        metadata = manifest["metadata"]
        return await self.request(
            "PATCH",
            kind.path(namespace=metadata.get("namespace"), name=metadata["name"]),
            query={"fieldManager": field_manager, "force": "true"},
            body=manifest,
            content_type=PatchType.APPLY,
        )

    async def delete(
        self,
        kind: Kind,
        name: str,
        *,
        namespace: str | None = None,
        grace_seconds: int | None = None,
        uid: str | None = None,
    ) -> None:
        """Delete one object; with a uid only that very object and no namesake that came later."""
        options: JsonObject = {"kind": "DeleteOptions", "apiVersion": "v1"}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        await self.request("DELETE", kind.path(namespace=namespace, name=name), body=options)

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> JsonObject:
        """Send one request and return the decoded answer."""
        async with self._response(method, path, query=query, body=body, content_type=content_type) as response:
            return await _decoded(response)

    async def text(self, path: str, *, query: Mapping[str, str] | None = None) -> str:
        """Read what is no JSON, such as a log."""
        async with self._response("GET", path, query=query, accept="*/*") as response:
            return (await response.read()).decode(errors="replace")

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a watch; a line is one JSON event, and `silence` seconds without one are an UnreachableError."""
        limits = aiohttp.ClientTimeout(sock_connect=TIMEOUT, sock_read=silence)
        async with self._response("GET", path, query=query, limits=limits) as response:
            yield _lines(response.content)

    @asynccontextmanager
    async def _response(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        limits: aiohttp.ClientTimeout = _REQUEST_LIMITS,
        accept: str = "application/json",
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Accept": accept, "Content-Type": content_type, "User-Agent": "genkan"}
        await self._client.update_params_for_auth(headers, [], ["BearerToken"])
        try:
            response = await self._client.rest_client.request(
                method,
                f"{self._client.configuration.host}{path}",
                query_params=dict(query or {}),
                headers=headers,
                body=body,
                _preload_content=False,
                _request_timeout=limits,
            )
            async with response:
                if not response.ok:
                    raise await _failure(response)
                yield response
        except (aiohttp.ClientError, OSError) as e:
            raise UnreachableError.from_exception(e) from e


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Split a stream into lines of any length: an object may have more than a megabyte, aiohttp's own lines 128 KiB."""
    parts: list[bytes] = []
    async for chunk in content.iter_any():
        *complete, rest = chunk.split(b"\n")
        for line in complete:
            yield b"".join([*parts, line])
            parts.clear()
        parts.append(rest)
    if last := b"".join(parts):
        yield last


async def _decoded(response: aiohttp.ClientResponse) -> JsonObject:
    """Read JSON; what is none comes from something in between, such as a proxy."""
    try:
        decoded: JsonObject = json.loads(await response.read())
    except ValueError as e:
        raise UnreachableError.from_exception(e) from e
    return decoded


async def _failure(response: aiohttp.ClientResponse) -> KubernetesError:
    """Read the Status object of a refusal; a body that is none is not repeated."""
    try:
        status = await _decoded(response)
        reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
    except (UnreachableError, AttributeError):
        reason, message = "", ""
    message = message or f"The API server answered {response.status} without a reason."
    return KubernetesError.from_status(response.status, reason=reason, message=message)
