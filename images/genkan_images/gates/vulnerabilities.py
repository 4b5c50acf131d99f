"""The gate for known weaknesses: what our layers add to a base, and could do without.

NVIDIA's images carry thousands that nobody can mend by wrapping them, so a gate on all of them would always be shut.
"""

from collections.abc import Iterable
from typing import TypeAlias

from .ignored import Exceptions
from .outcome import Outcome
from .trivy import Report, Result, Vulnerability, our_layers, require_packages

Key: TypeAlias = tuple[str, str, str, str, str]

BLOCKING = "CRITICAL"


def judge_vulnerabilities(
    image: Report, base: Report, *, exceptions: Exceptions, exploited: frozenset[str] = frozenset()
) -> Outcome:
    """Keep an image back for each critical weakness that a newer version has mended and that its base has not.

    What attackers are known to use (`exploited`, by id) keeps it back wherever it comes from and whatever can be done.
    Raises ReportError for reports that prove nothing.
    """
    our_layers(image.metadata.diff_ids, base.metadata.diff_ids)
    require_packages(image, source="The image's report", with_languages=True)
    require_packages(base, source="The base's report", with_languages=False)
    inherited = {_key(result, found) for result, found in base.vulnerabilities()}
    failures: dict[str, None] = {}
    waiting = 0
    for result, found in image.vulnerabilities():
        ours = _key(result, found) not in inherited
        used = found.vulnerability_id in exploited
        if not used and not (ours and found.severity == BLOCKING):
            continue
        if not used and not found.is_fixable:
            waiting += 1
        elif not exceptions.cover(found.vulnerability_id, found.pkg_name):
            failures[_sentence(found, ours=ours, used=used)] = None
    notes = [_summary(image.vulnerabilities(), inherited)]
    if waiting:
        notes.append(f"Our layers add {waiting} critical without a mended version; they wait for one.")
    return Outcome(failures=(*failures, *exceptions.failures()), notes=(*notes, *exceptions.notes()))


def _key(result: Result, found: Vulnerability) -> Key:
    """Return what makes a weakness the same in two images: another version, or another place, is another one."""
    place = found.pkg_path or result.kind
    return found.vulnerability_id, result.type, found.pkg_name, place, found.installed_version


def _sentence(found: Vulnerability, *, ours: bool, used: bool) -> str:
    place = f" in {found.pkg_path}" if found.pkg_path else ""
    mended = f"; {found.fixed_version} has it mended" if found.fixed_version else ""
    why = "attackers are known to use it" if used else "it is critical"
    whose = "our layers" if ours else "the base"
    return (
        f"{found.vulnerability_id}: {found.pkg_name} {found.installed_version}{place} "
        f"comes from {whose}, and {why}{mended}."
    )


def _summary(found: Iterable[tuple[Result, Vulnerability]], inherited: set[Key]) -> str:
    keys = {_key(result, row) for result, row in found}
    return f"Known weaknesses: {len(keys & inherited)} of the base, {len(keys - inherited)} of ours."
