"""Which language a reader wants: the header Accept-Language of a browser.

https://www.rfc-editor.org/rfc/rfc9110#name-accept-language
"""

import functools
from collections.abc import Iterator

from .translations import ENGLISH, LANGUAGES, Language, language

_LONGEST = 1000


def preferred(header: str | None) -> Language:
    """Return the language that suits best; English where none does, or the header says nothing that can be read."""
    return _preferred((header or "")[:_LONGEST])


@functools.lru_cache(maxsize=256)
def _preferred(header: str) -> Language:
    wanted = sorted(_wanted(header), key=lambda row: -row[1])
    for tag, weight in wanted:
        code = ENGLISH if tag == "*" else tag.partition("-")[0]
        if weight > 0 and code in LANGUAGES:
            return language(code)
    return language(ENGLISH)


def _wanted(header: str) -> Iterator[tuple[str, float]]:
    """Yield each language with its weight, in the order in which they stand."""
    for part in header.split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            yield tag.strip().lower(), float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
