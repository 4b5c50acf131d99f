"""Folders that are different, and one and the same on a file server that does not tell capitals from small letters.

Those of Windows do not, and some others are set up so. Which kind an export is the catalogue cannot know: so nothing of
this is refused, and all of it is worth a look.
"""

from collections.abc import Iterator, Mapping

from .catalogue import Catalogue
from .home_names import folder_name
from .homes import Homes, folder_parts, shared_folders, shows_homes
from .violations import OTHER, Violation

_WHERE = "Where the file server does not tell capitals from small letters"
_SAME = f"{_WHERE}, this folder is that of {OTHER} too, or one of them is in the other."
_USERS = (
    f"This name differs from {OTHER} in capitals only. Most hubs make names small, and one of the two is then nobody."
)
_SHOWN = f"{_WHERE}, this would show the homes of all users."


def capitals_only(catalogue: Catalogue) -> Iterator[Violation]:
    """Yield what of a right catalogue would be somebody else's home on such a file server."""
    homes = catalogue.homes
    if homes is None:
        return
    for found in (*shared_folders(homes.folders, parts=caseless_parts, sentence=_SAME), *_taken_by_name(homes)):
        yield Violation(("homes", *found.path), found.sentence, other=("homes", *found.other) if found.other else ())
    yield from _alike_users(homes.folders)
    for index, row in enumerate(catalogue.volumes):
        if row.claim is not None and row.sub_path is not None:
            exact = shows_homes(homes, row.claim, row.sub_path)
            if not exact and shows_homes(homes, row.claim, row.sub_path, parts=caseless_parts):
                yield Violation(("volumes", index, "sub_path"), _SHOWN)


def caseless_parts(folder: str) -> tuple[str, ...]:
    """Return the steps of a folder as such file servers compare them; at the end of a step they pass over some."""
    return tuple(part.casefold().rstrip(" .") for part in folder_parts(folder))


def _taken_by_name(homes: Homes) -> Iterator[Violation]:
    """Yield the folders that users who are not listed would have by their names."""
    for user, folder in homes.folders.items():
        given, name = folder_parts(folder)[0], caseless_parts(folder)[0]
        if given != name and name not in homes.folders and name == folder_name(homes, name):
            sentence = f"{_WHERE}, a user called {name} has this folder too, or the one around it."
            yield Violation(("folders", user), sentence)


def _alike_users(folders: Mapping[str, str]) -> Iterator[Violation]:
    """Yield the later ones of users whose names differ in capitals only."""
    first: dict[str, str] = {}
    for user in folders:
        other = first.setdefault(user.casefold(), user)
        if other != user:
            yield Violation(("homes", "folders", user), _USERS, other=("homes", "folders", other))
