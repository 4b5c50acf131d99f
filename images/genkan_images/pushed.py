"""Which images were pushed, as bake says it."""

import json
import re
from collections.abc import Mapping

from .exceptions import ReportError

_DIGEST = "containerimage.digest"


def pushed_digests(text: str) -> Mapping[str, str]:
    """Return the digests of a `docker buildx bake --metadata-file`, by target; raises ReportError."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ReportError("The metadata of the build is no JSON.") from error
    if not isinstance(data, dict):
        raise ReportError("The metadata of the build is no list of targets, as bake writes it.")
    found = {}
    for target, said in data.items():
        digest = said.get(_DIGEST) if isinstance(said, dict) else None
        if digest is None:
            continue
        if not isinstance(digest, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
            message = f"The metadata of the build has something else than a digest for {str(target)[:80]!r}."
            raise ReportError(message)
        found[str(target)] = digest
    return found
