"""Which folder or claim is whose: from a user's name to one name that a file system and Kubernetes take.

A name that is plain stands for itself. Any other gets a hash behind two dashes, which no plain name has, so that two
users never share a home: not those whose names differ in case, in escapes, or in the normal form of their characters.
"""

import base64
import hashlib
import re
import string
import unicodedata
from dataclasses import dataclass

from .exceptions import HomeError
from .homes import FolderNames, Homes, HomesKind
from .language.sentences import say

LONGEST_NAME = 63
"""Characters of a DNS label, so that a name may stand in any of Kubernetes' places."""

CLAIM_PREFIX = "home-"
"""Of the claims of homes."""

_LONGEST_FILE_NAME = 255
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_UNSAFE = re.compile(r"[^a-z0-9]+")
_SAFE = frozenset(string.ascii_lowercase + string.digits)
_HASHED_CHARACTERS = 26
"""130 bits in base 32: even a user who may choose names freely cannot meet another's."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where a user's home is."""

    user: str
    kind: HomesKind
    claim: str
    """The claim that is mounted, in whatever namespace the server runs."""
    path: str | None
    """The folder in the claim's volume; None where the claim is the user's own."""


def home_of(homes: Homes, user: str) -> Home:
    """Return the home of a user; raises HomeError where it would be somebody else's too."""
    match homes.kind:
        case HomesKind.CLAIM:
            return Home(user, homes.kind, claim_name(user), None)
        case HomesKind.SHARED:
            name = user_folder(homes, user)
            path = name if homes.folder is None else f"{homes.folder}/{name}"
            return Home(user, homes.kind, homes.claim or "", path)


def claim_name(user: str) -> str:
    """Return what a new claim for the home of a user is called."""
    return CLAIM_PREFIX + stable_name(user, longest=LONGEST_NAME - len(CLAIM_PREFIX))


def user_folder(homes: Homes, user: str) -> str:
    """Return the folder of a user within the folder of homes; raises HomeError where it is given to somebody else."""
    if user in homes.folders:
        return homes.folders[user]
    name = folder_name(homes, user)
    if not name:
        raise HomeError(say("A user without a name has no home."))
    if len(name) > _LONGEST_FILE_NAME:
        raise HomeError(
            say("Your name is too long for the name of a folder. Administrators can give you one in homes.folders.")
        )
    if name in homes.given_folders:
        raise HomeError(
            say(
                "The folder {name} for your home is given to another user. "
                "Administrators can give you one of your own in homes.folders.",
                name=name,
            )
        )
    return name


def folder_name(homes: Homes, user: str) -> str:
    """Return the folder that a user would have by name, whether or not that is possible."""
    return escaped_name(user) if homes.names is FolderNames.ESCAPED else stable_name(user)


def stable_name(user: str, *, longest: int = LONGEST_NAME) -> str:
    """Return a name of small letters, digits and dashes that is this user's only, whatever KubeSpawner calls them."""
    if len(user) <= longest and _PLAIN.fullmatch(user):
        return user
    digest = hashlib.sha256(user.encode("utf-8", "surrogatepass")).digest()
    suffix = base64.b32encode(digest).decode().lower()[:_HASHED_CHARACTERS]
    ascii_only = unicodedata.normalize("NFKD", user).encode("ascii", "ignore").decode().lower()
    room = longest - len(suffix) - 2
    readable = _UNSAFE.sub("-", ascii_only).strip("-")[:room].rstrip("-")
    return f"{readable or 'user'}--{suffix}"


def escaped_name(user: str) -> str:
    """Return what `{escaped_username}` is in KubeSpawner's templates, and `{username}` was before version 7."""
    return "".join(
        chr(byte) if chr(byte) in _SAFE else f"-{byte:02x}" for byte in user.encode("utf-8", "surrogatepass")
    )
