"""The commands `genkan images gate ...`, the same on a laptop and in CI."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from genkan_images.exceptions import ReportError
from genkan_images.files import complain, leaving_with_one, read_text
from genkan_images.matrix import MATRIX, MatrixRow, load_matrix
from genkan_images.plan import CONTEXT, SIZE_BUDGET

from .archives import open_archive
from .exploited import known_exploited
from .ignored import IGNORED, Exceptions, load_ignored
from .licences import judge_licences
from .outcome import Outcome
from .sboms import judge_sbom
from .secrets import judge_secrets
from .size import judge_size
from .structure import STRUCTURE, judge_structure
from .tools import Scanner, judge_sources, scan
from .trivy import Report, read_report
from .vulnerabilities import judge_vulnerabilities

app = typer.Typer(
    help="What keeps an image back. Each leaves with 0 if it may go on, and with 1 if not.", no_args_is_help=True
)

ImagePath = Annotated[
    Path,
    typer.Argument(metavar="IMAGE", help="The image, as an OCI layout; or what Trivy said of it, in a file NAME.json."),
]
BasePath = Annotated[
    Path, typer.Argument(metavar="BASE", help="The base that it was built on, or Trivy's words, alike.")
]
LayoutPath = Annotated[Path, typer.Argument(metavar="IMAGE", help="The image, as an OCI layout.")]
BaseLayout = Annotated[Path, typer.Argument(metavar="BASE", help="The base that it was built on, alike.")]
IgnoredPath = Annotated[Path, typer.Option("--ignored", metavar="FILE", help="What was looked at and may pass.")]
Today = Annotated[
    datetime | None,
    typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="The day to judge by.", show_default="today"),
]


@app.command()
def vulnerabilities(
    image: ImagePath,
    base: BasePath,
    ignored: IgnoredPath = IGNORED,
    exploited: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CISA's catalogue of what attackers use, in JSON.", show_default=False),
    ] = None,
    today: Today = None,
) -> None:
    """Keep an image back for what is critical, mended in a newer version, and not of its base."""

    def judge() -> Outcome:
        used = known_exploited(read_text(exploited)) if exploited else frozenset[str]()
        exceptions = Exceptions(load_ignored(ignored).vulnerabilities, today=_day(today))
        found = [_report(path, "vuln") for path in (image, base)]
        return judge_vulnerabilities(*found, exceptions=exceptions, exploited=used)

    _tell("vulnerabilities", judge)


@app.command()
def secrets(image: ImagePath, base: BasePath, ignored: IgnoredPath = IGNORED, today: Today = None) -> None:
    """Keep an image back for what looks like a password, key or token in our layers.

    Of BASE only the layers are asked for, so any report of Trivy on it will do.
    """

    def judge() -> Outcome:
        exceptions = Exceptions(load_ignored(ignored).secrets, today=_day(today))
        return judge_secrets(_report(image, "secret"), base_layers=_layers(base), exceptions=exceptions)

    _tell("secrets", judge)


@app.command()
def size(
    image: LayoutPath,
    base: BaseLayout,
    budget: Annotated[int, typer.Option(metavar="BYTES", min=1, help="What our layers may add.")] = SIZE_BUDGET,
) -> None:
    """Keep an image back whose layers add more than the budget to its base, compressed."""

    def judge() -> Outcome:
        with open_archive(image) as ours, open_archive(base) as theirs:
            return judge_size(ours, theirs, budget=budget)

    _tell("size", judge)


@app.command()
def licences(
    image: LayoutPath,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Its row in the matrix, such as pytorch-26-08-r1.")],
    matrix: Annotated[Path, typer.Option(metavar="FILE", help="The matrix of images.")] = MATRIX,
) -> None:
    """Keep an image back that has lost the licence of its base."""

    def judge() -> Outcome:
        files = _row(matrix, target).licence_files
        if not files:
            return Outcome(notes=(f"The base of {target} has no licence to keep.",))
        with open_archive(image) as archive:
            return judge_licences(archive, files=files)

    _tell("licences", judge)


@app.command()
def sbom(
    bill: Annotated[Path, typer.Argument(metavar="FILE", help="The bill of materials, CycloneDX in JSON.")],
    lock: Annotated[Path, typer.Option(metavar="FILE", help="What the server was installed from.")] = Path(
        CONTEXT, "server.txt"
    ),
) -> None:
    """Keep an image back without a bill of materials, or with that of another image."""
    _tell("sbom", lambda: judge_sbom(read_text(bill), lock=read_text(lock)))


@app.command()
def sources(
    context: Annotated[Path, typer.Argument(metavar="DIRECTORY", help="The build context.")] = Path(CONTEXT),
) -> None:
    """Keep Dockerfiles and scripts back in which hadolint or shellcheck find something."""

    def judge() -> Outcome:
        scripts = [
            path for folder in ("steps", "bin") for path in sorted((context / folder).glob("*")) if path.is_file()
        ]
        return judge_sources(sorted(context.glob("*.Dockerfile")), scripts)

    _tell("sources", judge)


@app.command()
def structure(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The image, as buildah's storage has it.")],
    tests: Annotated[Path, typer.Option(metavar="FILE", help="What it has to have.")] = STRUCTURE,
) -> None:
    """Keep an image back that lacks what the hub, the cluster or a user relies on."""
    _tell("structure", lambda: judge_structure(image, tests=tests))


def _tell(gate: str, judge: Callable[[], Outcome]) -> None:
    """Print what a gate says, and leave with 1 unless the image may go on."""
    with leaving_with_one(f"{gate}: ", last="kept back."):
        outcome = judge()
        for sentence in outcome.failures:
            complain(f"{gate}: {sentence}")
        for note in outcome.notes:
            complain(f"{gate}: Note: {note}")
        complain(f"{gate}: {'passed' if outcome.passed else 'kept back'}.")
        if not outcome.passed:
            raise typer.Exit(1)


def _report(path: Path, scanner: Scanner) -> Report:
    text = read_text(path) if path.suffix == ".json" else scan(path, scanner)
    return read_report(text, source=str(path))


def _layers(base: Path) -> tuple[str, ...]:
    if base.suffix == ".json":
        return _report(base, "secret").metadata.diff_ids
    with open_archive(base) as archive:
        return archive.diff_ids


def _day(today: datetime | None) -> date:
    return (today or datetime.now(tz=UTC)).date()


def _row(matrix: Path, target: str) -> MatrixRow:
    rows = {row.target: row for row in load_matrix(matrix).images}
    if target not in rows:
        message = f"The matrix has no {target}; it has {', '.join(rows)}."
        raise ReportError(message)
    return rows[target]
