"""Whom a user's files belong to: fixed numbers, or those that the authenticator knows of the user."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genkan_profiles import Ownership
from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

LEAST_ID, LARGEST_ID = 1000, 2**31 - 1
"""Of the numbers that an authenticator may give: those below are a system's own, root among them."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The numbers with which a server runs; None where the hub's configuration says."""

    uid: int | None = None
    gid: int | None = None
    fs_gid: int | None = None


async def owner_of(ownership: Ownership | None, user: Any) -> Owner:
    """Return the owner of a user's files. Raises Refusal where the authenticator does not say.

    `user` is JupyterHub's.
    """
    if ownership is None:
        return Owner()
    known = (await user.get_auth_state() or {}) if ownership.from_claims else {}
    uid, gid = ownership.uid, ownership.gid
    if ownership.uid_claim is not None:
        uid = _number(known, ownership.uid_claim, what=say("your number as a user"))
    if ownership.gid_claim is not None:
        gid = _number(known, ownership.gid_claim, what=say("the number of your group"))
    return Owner(uid, gid, ownership.fs_gid)


def _number(known: Mapping[str, Any], claim: str, *, what: Sentence) -> int:
    """Return the first value of a claim, as numbers come from databases and directories: a number, text, or a list."""
    found = next(_values(known, claim), None)
    if isinstance(found, list | tuple) and len(found) == 1:
        (found,) = found
    if found is None:
        sentence = say(
            "Your home cannot be mounted: the sign-in does not tell {what} ({claim}). Tell an administrator.",
            what=what,
            claim=claim,
        )
        raise Refusal(sentence, reason=Reason.STORAGE)
    if isinstance(found, str) and found.isascii() and found.isdecimal():
        found = int(found) if len(found) <= len(str(LARGEST_ID)) else None
    if not isinstance(found, int) or isinstance(found, bool) or not LEAST_ID <= found <= LARGEST_ID:
        sentence = say(
            "Your home cannot be mounted: what the sign-in tells as {what} ({claim}) is no whole number "
            "from {least} on. Tell an administrator.",
            what=what,
            claim=claim,
            least=LEAST_ID,
        )
        raise Refusal(sentence, reason=Reason.STORAGE)
    return found


def _values(known: Mapping[str, Any], claim: str) -> Iterator[Any]:
    """Yield what has this name in the auth_state itself, and then in its parts, such as `oauth_user`."""
    parts = [known, *(part for _, part in sorted(known.items()) if isinstance(part, Mapping))]
    yield from (part[claim] for part in parts if part.get(claim) is not None)
