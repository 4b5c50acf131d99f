"""The claim of a home under whatever name it has: one made by an older hub must be found, for another one is empty.

The names that hubs have given overlap: `home-lab-40` was the claim of `lab@` on one and is that of `lab-40` on another.
So whose a claim is says the annotation with which KubeSpawner marks what it makes, and never the name alone.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from genkan_profiles.home_names import escaped_name
from genkan_profiles.language.sentences import enumerated, say, together
from genkan_spawner.admission import may_pass
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.checks.demand import OWNER
from genkan_spawner.denials import refusal_of
from genkan_spawner.exceptions import ForbiddenError, KubernetesError, NotFoundError
from genkan_spawner.kinds import CLAIMS
from genkan_spawner.kubespawner_seam import (
    claim_names,
    claims_are_shared,
    is_of_named_server,
    knows_claim,
    owner_label,
    take_claim,
)
from genkan_spawner.marks import SERVER_NAME, USER_NAME
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

if TYPE_CHECKING:
    from genkan_spawner.home_spawner import HomeSpawner

T = TypeVar("T")

TRIES_FOR = 3.0
"""Seconds for which a question that fails for a passing reason is asked again."""

_PAUSE = 0.2
_MEND = say("Tell an administrator: the hub's documentation on moving homes says what to do.")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")


async def settle_claim(spawner: "HomeSpawner", api: KubernetesApi) -> None:
    """Have the spawner mount the claim that its user has, before its pod is made. Raises Refusal.

    Of several names the first is that of a claim which is yet to be made. The one that was used last comes before it.
    """
    spawner.seen_claim = None
    if not spawner.storage_pvc_ensure or (not spawner.home_claim and claims_are_shared(spawner)):
        return
    names = claim_names(spawner, proposed=spawner.home_claim)
    remembered = spawner.pvc_name if knows_claim(spawner) else ""
    for name in sorted(names, key=lambda name: name != remembered):
        found = await _found(api, name, spawner.namespace)
        if found is not None and _is_taken(found, spawner.user.name, surely=name in {remembered, names[0]}):
            if name != names[0]:
                spawner.log.info("The home of %s keeps its earlier name %s.", spawner.user.name, name)
            _take(spawner, name)
            return
    marked = await _marked(spawner, api) if spawner.home_claim else None
    if marked is not None:
        spawner.log.info("The home of %s is found by its mark: %s.", spawner.user.name, marked)
        _take(spawner, marked)
        return
    gone = spawner.all_had_homes.before_claim(spawner.namespace)
    if gone is not None and not spawner.remake_homes:
        raise Refusal(together([gone, _MEND]), reason=Reason.STORAGE)
    take_claim(spawner, names[0], exists=False)


async def goes_with_user(spawner: "HomeSpawner", api: KubernetesApi) -> bool:
    """Return whether the claim of a spawner is its user's alone, so that a hub may delete it which is set up to.

    Raises KubernetesError where that is not known.
    """
    if spawner.name and (spawner.homes is not None or not is_of_named_server(spawner)):
        return False
    try:
        found = await api.get(CLAIMS, spawner.pvc_name, namespace=spawner.namespace)
    except NotFoundError:
        return False
    return bool(_mark(found, USER_NAME) == spawner.user.name)


def _take(spawner: "HomeSpawner", name: str) -> None:
    """Mount a claim that is there, about which nothing more has to be asked."""
    take_claim(spawner, name, exists=True)
    spawner.seen_claim = (spawner.namespace, name)


def _is_taken(claim: JsonObject, user: str, *, surely: bool) -> bool:
    """Return whether a claim is this user's home; raises Refusal where that cannot be, or is not known.

    `surely` is said of a name that no other user's home has.
    """
    marked = _mark(claim, USER_NAME)
    if marked == user or (marked is None and surely):
        return True
    if marked is not None and not surely:
        return False
    name = claim["metadata"]["name"]
    if marked is None:
        sentence = say("The storage {name} may be your home, but nothing says whose it is.", name=name)
    else:
        sentence = say("The storage {name} should be your home, and is marked as that of another user.", name=name)
    raise Refusal(together([sentence, _MEND]), reason=Reason.STORAGE)


async def _marked(spawner: "HomeSpawner", api: KubernetesApi) -> str | None:
    """Return the claim that is marked as the user's home, whatever it is called: first that of the default server.

    A hub may have given names by a rule that nobody has told this one. Raises Refusal where there are several.
    """
    user, namespace = spawner.user.name, spawner.namespace
    values = (value for value in (owner_label(spawner), escaped_name(user)) if _LABEL_VALUE.fullmatch(value))
    selector = f"component=singleuser-storage,{OWNER} in ({','.join(sorted(set(values)))})"
    try:
        claims = await _answered(lambda: api.list(CLAIMS, namespace=namespace, label_selector=selector))
    except ForbiddenError:
        return None
    own = [claim for claim in claims if _mark(claim, USER_NAME) == user]
    for server in dict.fromkeys(("", spawner.name)):
        names = sorted(claim["metadata"]["name"] for claim in own if (_mark(claim, SERVER_NAME) or "") == server)
        if len(names) > 1:
            sentence = say("Your home may be any of {names}, and nothing says which.", names=enumerated(names))
            raise Refusal(together([sentence, _MEND]), reason=Reason.STORAGE)
        if names:
            return str(names[0])
    return None


async def _found(api: KubernetesApi, name: str, namespace: str) -> JsonObject | None:
    try:
        return await _answered(lambda: api.get(CLAIMS, name, namespace=namespace))
    except NotFoundError:
        return None
    except ForbiddenError as e:
        raise refusal_of(e) from e


async def _answered(ask: Callable[[], Awaitable[T]]) -> T:
    """Return an answer of the API; raises NotFoundError and ForbiddenError, and Refusal for whatever else it says."""
    deadline = asyncio.get_running_loop().time() + TRIES_FOR
    while True:
        try:
            return await ask()
        except (NotFoundError, ForbiddenError):
            raise
        except KubernetesError as e:
            if not may_pass(e) or asyncio.get_running_loop().time() > deadline:
                raise refusal_of(e) from e
        await asyncio.sleep(_PAUSE)


def _mark(claim: JsonObject, annotation: str) -> str | None:
    found: str | None = (claim["metadata"].get("annotations") or {}).get(annotation)
    return found
