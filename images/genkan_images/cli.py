"""The commands `genkan images ...`."""

import dataclasses
import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from genkan_profiles import Problem

from .building import buildah_command, builds, check_registries, run_build
from .ci.cli import ci
from .exceptions import ImagesError
from .files import complain, leaving_with_one, read_text, write_texts
from .flavours import Channel
from .gates.cli import app as gate
from .linting import MatrixLint, lint_matrix
from .matrix import MATRIX, load_matrix
from .plan import bake_plan, catalogue_rows, catalogue_text, ci_matrix, json_text, labels, locked_version
from .promoting import promote as promote_image
from .pushed import pushed_digests
from .smoke import node_selector, smoke_test_job

app = typer.Typer(
    help="Single-user images: which there are, how they are built, what keeps one back.", no_args_is_help=True
)
app.add_typer(gate, name="gate")
app.command()(ci)

MatrixPath = Annotated[Path, typer.Argument(metavar="PATH", help="The matrix of images.")]


@app.command()
def lint(
    path: MatrixPath = MATRIX,
    today: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE", formats=["%Y-%m-%d"], help="The day to judge ends of life by.", show_default="today"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of lines.")] = False,
) -> None:
    """Check a matrix and print every problem with file, line and column.

    Leaves with 0 if all of it can be built and offered, and with 1 if not: a base without digest, a driver or a card
    that does not fit its CUDA, an image past its end, two images of one name. Warnings are about candidates that
    cannot be promoted yet.
    """
    found = lint_matrix(path, today=(today or datetime.now(tz=UTC)).date())
    if as_json:
        typer.echo(json_text(_lint_data(path, found)), nl=False)
    else:
        for problem in found.problems:
            complain(str(problem))
        for warning in found.warnings:
            complain(str(dataclasses.replace(warning, sentence=f"Warning: {warning.sentence}")))
        complain(f"{path}: {_number(len(found.problems), 'problem')}, {_number(len(found.warnings), 'warning')}.")
    if found.problems:
        raise typer.Exit(1)


@app.command()
def plan(
    path: MatrixPath = MATRIX,
    output: Annotated[Path, typer.Option(metavar="DIRECTORY", help="Where the files go.")] = Path("build/images"),
    registry: Annotated[
        str, typer.Option(metavar="PREFIX", help="What the catalogue's images begin with: a registry and a path.")
    ] = "registry.example.org/genkan",
    pushed: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `docker buildx bake --metadata-file` wrote; the catalogue then names digests.",
            show_default=False,
        ),
    ] = None,
    candidates: Annotated[bool, typer.Option("--candidates", help="Offer candidates in the catalogue too.")] = False,
) -> None:
    """Write what follows from a matrix: docker-bake.json, ci-matrix.json, labels.json and the catalogue's images.yaml.

    The same matrix always gives the same bytes.
    """
    with leaving_with_one():
        matrix = load_matrix(path)
        jupyterhub = _jupyterhub(path)
        digests = pushed_digests(read_text(pushed)) if pushed else {}
        channels = [channel for channel in Channel if candidates or channel is not Channel.CANDIDATE]
        rows = catalogue_rows(matrix, registry=registry, channels=channels, digests=digests)
        texts = {
            "docker-bake.json": json_text(bake_plan(matrix, jupyterhub=jupyterhub)),
            "ci-matrix.json": json_text(ci_matrix(matrix)),
            "labels.json": json_text({row.target: labels(row, jupyterhub=jupyterhub) for row in matrix.images}),
            "images.yaml": catalogue_text(rows),
        }
        for file in write_texts(output, texts):
            typer.echo(file)


@app.command()
def build(
    targets: Annotated[list[str], typer.Argument(metavar="TARGET...", help="Images, or groups of them, of the plan.")],
    matrix: Annotated[Path, typer.Option(metavar="FILE", help="The matrix of images.")] = MATRIX,
    base: Annotated[
        str,
        typer.Option(metavar="REFERENCE", help="An image of this machine to build on instead of the matrix's base."),
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the commands and run none.")] = False,
) -> None:
    """Build images with buildah and runc, into its local storage.

    Registries come from the environment: NVIDIA_REGISTRY, LIBRARY_REGISTRY and REGISTRY. EXTRA_CA_BUNDLE is a file of
    certificates for networks whose traffic is inspected; it leaves no trace in the image.
    """
    with leaving_with_one():
        planned = bake_plan(load_matrix(matrix), jupyterhub=_jupyterhub(matrix))
        ca_bundle = Path(bundle) if (bundle := os.environ.get("EXTRA_CA_BUNDLE")) else None
        wanted = [wish.on(base) if base else wish for wish in builds(planned, targets, variables=os.environ)]
        for wish in wanted:
            check_registries(wish)
        for wish in wanted:
            command = buildah_command(wish, ca_bundle=ca_bundle, pull=not base)
            typer.echo(shlex.join(command))
            if not dry_run:
                run_build(command)


@app.command()
def smoke_test(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="Its row in the matrix, such as pytorch-26-08-r1.")],
    image: Annotated[str, typer.Option(metavar="REFERENCE", help="The image, with its digest.")],
    gpu_resource: Annotated[str, typer.Option(metavar="NAME", help="What the cluster calls a GPU.")] = "nvidia.com/gpu",
    pull_secret: Annotated[
        str, typer.Option(metavar="NAME", help="The Secret of the namespace that fetches the image.")
    ] = "",
    node_selectors: Annotated[
        list[str] | None,
        typer.Option("--node-selector", metavar="KEY=VALUE", help="Where it may run; may be given again."),
    ] = None,
    matrix: Annotated[Path, typer.Option(metavar="FILE", help="The matrix of images.")] = MATRIX,
) -> None:
    """Print a Job for `kubectl create --filename -` that tries an image's framework on a GPU.

    It keeps the image's entrypoint, and asks for no right that a restricted namespace lacks.
    """
    with leaving_with_one():
        rows = {row.target: row for row in load_matrix(matrix).images}
        if target not in rows:
            message = f"The matrix has no {target}; it has {', '.join(rows)}."
            raise ImagesError(message)
        job = smoke_test_job(
            rows[target],
            image=image,
            gpu_resource=gpu_resource,
            pull_secret=pull_secret,
            nodes=node_selector(node_selectors or []),
        )
        typer.echo(json_text(job), nl=False)


@app.command()
def promote(
    image: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE", help="What was checked, by its digest: registry.example.org/genkan/cpu@sha256:..."
        ),
    ],
    channel: Annotated[
        Channel, typer.Argument(metavar="CHANNEL", help="The tag that moves: candidate, stable or long.")
    ],
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="The registry is one of this machine, without TLS.")
    ] = False,
) -> None:
    """Move a channel's tag to an image that has passed; nothing is built or packed anew.

    Needs skopeo, and its login where the registry asks for one.
    """
    with leaving_with_one():
        typer.echo(promote_image(image, channel, tls=not plain_http))


def _jupyterhub(matrix: Path) -> str:
    """Return the version that the lock file beside a matrix fixes."""
    return locked_version(read_text(matrix.parent / "context" / "server.txt"), "jupyterhub")


def _lint_data(path: Path, found: MatrixLint) -> dict[str, Any]:
    return {
        "path": str(path),
        "valid": not found.problems,
        "problems": [_problem_data(problem) for problem in found.problems],
        "warnings": [_problem_data(warning) for warning in found.warnings],
    }


def _problem_data(problem: Problem) -> dict[str, Any]:
    position = problem.position
    return {
        "file": problem.file,
        "line": position.line if position else None,
        "column": position.column if position else None,
        "path": problem.path,
        "sentence": problem.sentence,
        "allowed": list(problem.allowed),
    }


def _number(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"
