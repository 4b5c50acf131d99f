"""Creating a server's pod and, if it is the user's first, its home: all of it or nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import TypeAlias

from genkan_profiles.language.sentences import say
from genkan_spawner.admission import may_pass
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import ConflictError, ForbiddenError, KubernetesError, NotFoundError
from genkan_spawner.kinds import CLAIMS, PODS, Kind
from genkan_spawner.marks import START
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

Remove: TypeAlias = Callable[[], Awaitable[None]]

_PAUSE, _MOST_PAUSE = 0.2, 3.0
_REHEARSAL_SECONDS = 3.0


async def rehearse(api: KubernetesApi, kind: Kind, manifest: JsonObject) -> JsonObject:
    """Let the API server go through a creation without doing it, and return what it would have stored.

    Real admission has the last word on quota, priority, limits and security. A namesake that is there already is no
    objection: it goes first. What may pass, such as an API server that has just come up, is tried again for a few
    seconds. Raises Refusal.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#dry-run
    """
    try:
        return await _rehearsed(api, kind, manifest)
    except ConflictError:
        return manifest
    except KubernetesError as e:
        raise refusal_of(e) from e


async def _rehearsed(api: KubernetesApi, kind: Kind, manifest: JsonObject) -> JsonObject:
    path = kind.path(namespace=manifest["metadata"]["namespace"])
    rounds = attempts(_REHEARSAL_SECONDS)
    while True:
        last = await anext(rounds)
        try:
            return await api.request("POST", path, query={"dryRun": "All"}, body=manifest)
        except KubernetesError as e:
            if last or not may_pass(e):
                raise


async def create_pod(api: KubernetesApi, manifest: JsonObject, *, within: float, remove_earlier: Remove) -> JsonObject:
    """Create a pod; what may pass is tried again for so many seconds, and an earlier namesake is removed first.

    `remove_earlier` is awaited to remove it. Raises Refusal.
    """
    async for last in attempts(within):
        try:
            created = await _created(api, manifest, remove_earlier=remove_earlier)
        except KubernetesError as e:
            if last or not may_pass(e):
                raise refusal_of(e) from e
        except TimeoutError as e:
            raise not_ended() from e
        else:
            if created is not None:
                return created
    raise not_ended()


async def _created(api: KubernetesApi, manifest: JsonObject, *, remove_earlier: Remove) -> JsonObject | None:
    """Return the pod, or None where an earlier namesake had to be removed first."""
    metadata = manifest["metadata"]
    try:
        return await api.create(PODS, manifest, namespace=metadata["namespace"])
    except ConflictError:
        with suppress(NotFoundError):
            found = await api.get(PODS, metadata["name"], namespace=metadata["namespace"])
            if is_of_start(found, manifest):
                # It was created before, and the answer was lost.
                return found
            await remove_earlier()
    return None


async def claim_is_missing(api: KubernetesApi, manifest: JsonObject) -> bool:
    """Return whether a claim is not there yet and could be created; raises Refusal if it could not.

    Where quota stands against a claim, Kubernetes says so even of one that is there.
    """
    metadata = manifest["metadata"]
    try:
        await _rehearsed(api, CLAIMS, manifest)
    except ConflictError:
        return False
    except ForbiddenError as e:
        if await _is_there(api, metadata):
            return False
        raise _storage_refusal(e) from e
    except KubernetesError as e:
        raise refusal_of(e) from e
    return True


async def create_claim(api: KubernetesApi, manifest: JsonObject, *, within: float) -> None:
    """Create a claim unless it is there; what may pass is tried again for so many seconds. Raises Refusal."""
    async for last in attempts(within):
        try:
            await api.create(CLAIMS, manifest, namespace=manifest["metadata"]["namespace"])
        except ConflictError:
            return
        except KubernetesError as e:
            if last or not may_pass(e):
                raise _storage_refusal(e) from e
        else:
            return


async def _is_there(api: KubernetesApi, metadata: JsonObject) -> bool:
    try:
        await api.get(CLAIMS, metadata["name"], namespace=metadata["namespace"])
    except NotFoundError:
        return False
    except KubernetesError as e:
        raise refusal_of(e) from e
    return True


def _storage_refusal(error: KubernetesError) -> Refusal:
    refusal = refusal_of(error)
    if error.passing or refusal.reason == Reason.STORAGE:
        return refusal
    sentence = say("There is no room for your home: the share of storage is used up. Ask an administrator for more.")
    if "exceeded quota" not in error.message:
        sentence = say("Your home cannot be created. Tell an administrator: the hub's log has the details.")
    return Refusal(sentence, reason=Reason.STORAGE, status_code=409, log_message=error.message)


def is_of_start(pod: JsonObject, manifest: JsonObject) -> bool:
    """Return whether a pod was created from this very manifest, and not by another start of the same server."""
    start, found = ((row["metadata"].get("annotations") or {}).get(START) for row in (manifest, pod))
    return start is not None and start == found


async def attempts(within: float) -> AsyncIterator[bool]:
    """Yield at once and then with growing pauses, for so many seconds; True the last time."""
    loop = asyncio.get_running_loop()
    deadline, pause = loop.time() + within, _PAUSE
    while loop.time() < deadline:
        yield False
        await asyncio.sleep(pause)
        pause = min(pause * 2, _MOST_PAUSE)
    yield True


def not_ended() -> Refusal:
    """Return what a user is told whose earlier server does not go."""
    sentence = say("An earlier server of yours has not ended yet. Try again in a minute.")
    return Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=HTTPStatus.SERVICE_UNAVAILABLE)
