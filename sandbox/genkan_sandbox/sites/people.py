"""Users of a site, for the demonstration hub."""

import re
from typing import Annotated

from pydantic import AfterValidator

from genkan_profiles.documents import Row
from genkan_profiles.names import Group

_USER_NAME = re.compile(r"[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?")


def _user_name(name: str) -> str:
    if not _USER_NAME.fullmatch(name):
        message = (
            f"{name[:80]!r} cannot be a user: a name has at most 64 small letters, digits and the signs . _ @ -, "
            "with a letter or digit at both ends."
        )
        raise ValueError(message)
    return name


class User(Row):
    """Somebody who can log in; the password is made when the sandbox starts."""

    name: Annotated[str, AfterValidator(_user_name)]
    groups: tuple[Group, ...] = ()
    admin: bool = False
