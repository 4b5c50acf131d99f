"""The gate for bills of materials: there is one, and it is that of this image."""

import json
import re

from genkan_images.exceptions import ReportError

from .outcome import Outcome

_SHOWN = 5


def judge_sbom(text: str, *, lock: str) -> Outcome:
    """Keep an image back whose bill of materials does not list what its server's lock file installs.

    A list that lacks them was made of another image, or of nothing. The format is CycloneDX' JSON. Raises ReportError.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ReportError("The bill of materials is no JSON.") from error
    if not isinstance(data, dict) or data.get("bomFormat") != "CycloneDX":
        raise ReportError("The bill of materials is not in CycloneDX' format; write it with `-o cyclonedx-json`.")
    components = data.get("components") or []
    if not isinstance(components, list):
        raise ReportError("The bill of materials has something else than a list of components.")
    listed = {
        (_canonical(str(row.get("name", ""))), str(row.get("version", "")))
        for row in components
        if isinstance(row, dict)
    }
    lacking = sorted(f"{name} {version}" for name, version in _pinned(lock) if (name, version) not in listed)
    if lacking:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        sentence = f"The bill of materials lacks what the server is made of: {', '.join(lacking[:_SHOWN])}{more}."
        return Outcome(failures=(sentence,))
    return Outcome(notes=(f"The bill of materials lists {len(components)} components.",))


def _pinned(lock: str) -> set[tuple[str, str]]:
    """Return what a lock file installs on every machine: a line with a condition may not be for this one."""
    rows = (re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;\\]+)[\s\\]*", line) for line in lock.splitlines())
    return {(_canonical(row[1]), row[2]) for row in rows if row}


def _canonical(name: str) -> str:
    """Return the one spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
