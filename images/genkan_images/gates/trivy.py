"""Trivy's report on an image, as far as the gates read it.

The format is schema version 2 of `trivy image --format json`, which Trivy has written since 0.20.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from genkan_images.exceptions import ReportError


class _Said(BaseModel):
    """A part of a report: Trivy adds fields with each version, and the gates need few of them."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_pascal)


class Layer(_Said):
    """Where something came into an image."""

    diff_id: str = Field(default="", alias="DiffID")


class Vulnerability(_Said):
    """One known weakness of one installed package."""

    vulnerability_id: str = Field(alias="VulnerabilityID")
    pkg_name: str
    installed_version: str
    fixed_version: str = ""
    """Empty while nobody has mended it."""
    status: str = ""
    severity: str
    pkg_path: str = ""
    """The file that says it is installed; empty for packages of the distribution."""

    @property
    def is_fixable(self) -> bool:
        """Whether a newer version has it mended."""
        return bool(self.fixed_version) or self.status == "fixed"


class Secret(_Said):
    """One place that looks like a password, key or token; the report masks it."""

    rule_id: str = Field(alias="RuleID")
    title: str = ""
    start_line: int = 0
    layer: Layer = Layer()


class Result(_Said):
    """What was found in one target: the distribution's packages, a language's, a file."""

    target: str
    kind: str = Field(default="", alias="Class")
    type: str = ""
    vulnerabilities: tuple[Vulnerability, ...] | None = None
    secrets: tuple[Secret, ...] | None = None


class System(_Said):
    """The distribution inside an image."""

    family: str
    name: str = ""


class Metadata(_Said):
    """What the report is about."""

    os: System | None = Field(default=None, alias="OS")
    diff_ids: tuple[str, ...] = Field(default=(), alias="DiffIDs")


class Report(_Said):
    """A whole report."""

    schema_version: Literal[2]
    artifact_name: str = ""
    artifact_type: Literal["container_image"]
    metadata: Metadata
    results: tuple[Result, ...] | None = None

    @property
    def found(self) -> tuple[Result, ...]:
        """What was found in each target."""
        return self.results or ()

    def vulnerabilities(self) -> Iterator[tuple[Result, Vulnerability]]:
        """Yield the weaknesses, each with its target."""
        return ((result, found) for result in self.found for found in result.vulnerabilities or ())

    def secrets(self) -> Iterator[tuple[Result, Secret]]:
        """Yield the secrets, each with its file."""
        return ((result, found) for result in self.found for found in result.secrets or ())


def read_report(text: str, *, source: str) -> Report:
    """Return a report; `source` names it where it is none. Raises ReportError."""
    try:
        report = Report.model_validate_json(text)
    except ValidationError as error:
        place = ".".join(str(step) for step in error.errors()[0]["loc"])
        message = f"{source} is no report of Trivy on an image{f' (see {place})' if place else ''}."
        raise ReportError(message) from error
    if not report.metadata.diff_ids:
        message = f"{source} names no layers, so nobody can tell ours from the base's."
        raise ReportError(message)
    return report


def require_packages(report: Report, *, source: str, with_languages: bool) -> None:
    """Raise ReportError unless Trivy knew the distribution and looked at its packages, and at those of languages."""
    kinds = {result.kind for result in report.found}
    if report.metadata.os is None or "os-pkgs" not in kinds:
        message = f"{source} says nothing of the distribution's packages: Trivy did not find them, or was not asked."
        raise ReportError(message)
    if with_languages and "lang-pkgs" not in kinds:
        message = f"{source} says nothing of Python's packages, which our layers have; scan with --list-all-pkgs."
        raise ReportError(message)


def require_secrets(report: Report, *, source: str) -> None:
    """Raise ReportError for a report on something else: one without secrets looks like one that found none."""
    others = {result.kind for result in report.found} - {"secret"}
    if others:
        message = f"{source} is not on secrets alone; scan with `--scanners secret`."
        raise ReportError(message)


def our_layers(image: Sequence[str], base: Sequence[str]) -> tuple[str, ...]:
    """Return the layers of an image that its base does not have; raises ReportError for a base of another image."""
    if len(base) >= len(image) or list(image[: len(base)]) != list(base):
        raise ReportError("This image was not built on this base: its layers do not begin with the base's.")
    return tuple(image[len(base) :])
