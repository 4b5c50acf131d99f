"""What a provider tells of a person, read with care: anybody may have put anything into it."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

Claims = Mapping[str, Any]

LONGEST_NAME = 128
"""Of a user, in characters: longer ones fit into no file name."""

_LONGEST_GROUP = 255
"""What the hub's database holds."""

_log = logging.getLogger("genkan_hub.sign_in")


def claim_at(claims: Claims, path: str) -> Any:
    """Return the value of a claim, None where there is none.

    `path` is a claim's name, which may be an address with dots, or else names of nested claims with dots between them:
    `realm_access.roles`.
    """
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def groups_at(claims: Claims, path: str) -> set[str]:
    """Return the groups that a claim holds, under the names that the catalogue knows them by.

    A list is a list of groups, a text is one group, and of an object the keys count. Paths as Keycloak has them lose
    the slash at their beginning: `/vision` is `vision`, and `/research/vision` is `research/vision`.
    """
    value = claim_at(claims, path)
    if value is None:
        # Of somebody without groups Keycloak says nothing, as of somebody whose groups nobody has mapped to a claim.
        _log.info("There is no claim %s with groups; there are: %s", path, ", ".join(sorted(map(str, claims))))
        return set()
    return set(_usable(_texts(value, path)))


def _texts(value: Any, path: str) -> Iterator[str]:
    members = [value] if isinstance(value, str) else value
    if not isinstance(members, list | tuple | Mapping):
        _log.warning("The claim %s holds no groups but a value of the type %s", path, type(value).__name__)
        return
    for member in members:
        if isinstance(member, str):
            yield member.removeprefix("/")
        else:
            _log.warning("A group in the claim %s is no text but of the type %s", path, type(member).__name__)


def _usable(names: Iterator[str]) -> Iterator[str]:
    for name in names:
        if 0 < len(name) <= _LONGEST_GROUP and name.isprintable() and name == name.strip():
            yield name
        else:
            _log.warning("A group is left out whose name cannot be used: %.80r", name)


def is_usable_name(name: str) -> bool:
    """Return whether somebody can be called so, beyond what JupyterHub asks of names."""
    return 0 < len(name) <= LONGEST_NAME and name.isprintable()
