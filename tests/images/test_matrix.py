from datetime import date
from pathlib import Path
from typing import Any

import pytest

from genkan_images.linting import MatrixLint, lint_matrix
from genkan_images.matrix import load_matrix

from .matrices import DIGEST, TODAY, Row, base, cpu, row, written

ROOT = Path(__file__).parents[2]


def lint(folder: Path, *rows: Row, today: str = TODAY) -> MatrixLint:
    return lint_matrix(written(folder, *rows), today=date.fromisoformat(today))


def told(found: MatrixLint) -> list[tuple[str, str]]:
    return [(problem.path, problem.sentence) for problem in found.problems]


def test_the_projects_own_matrix_had_no_flaw_on_the_day_it_was_written() -> None:
    found = lint_matrix(ROOT / "images/matrix.yaml", today=date.fromisoformat(TODAY))

    assert [str(problem) for problem in found.problems] == []
    assert found.matrix is not None
    unpinned = [image for image in found.matrix.images if image.base.digest is None]
    assert len(found.warnings) == len(unpinned)
    assert {image.channel for image in unpinned} <= {"candidate"}


def test_the_projects_own_matrix_has_every_flavour() -> None:
    flavours = {str(image.flavour) for image in load_matrix(ROOT / "images/matrix.yaml").images}

    assert flavours == {"pytorch", "tensorflow", "jax", "rapids", "cuda", "cpu"}


def test_rows_without_a_flaw_pass(tmp_path: Path) -> None:
    found = lint(tmp_path, row(), cpu())

    assert (told(found), found.warnings) == ([], ())
    assert found.matrix is not None
    assert [image.name for image in found.matrix.images] == ["pytorch:26.08-r1", "cpu:24.04-r1"]
    assert [image.target for image in found.matrix.images] == ["pytorch-26-08-r1", "cpu-24-04-r1"]


@pytest.mark.parametrize(
    ("changed", "path", "sentence"),
    [
        (
            row(base=base(digest=None)),
            "base.digest",
            "The base of a stable image needs its digest; only a candidate can be without.",
        ),
        (row(base=base(digest="sha256:12")), "base.digest", "This must match the pattern ^sha256:[0-9a-f]{64}$, not "),
        (
            row(base={"source": "nvidia", "path": "nvidia/pytorch", "tag": "26.08-py3"}),
            "base.digest",
            "This field is missing.",
        ),
        (row(base=base(path="registry.example.org:5000/x")), "base.path", "This must match the pattern "),
        (row(base=base(tag="26.09-py3")), "base.tag", "This is not of release 26.08; say of both the same."),
        (
            row(flavour="cuda", release="24.04", cuda="13.0.3", base=base(tag="13.1.0-base-ubuntu24.04")),
            "base.tag",
            "This is not of CUDA 13.0.3; say of both the same.",
        ),
        (row(min_driver="570"), "min_driver", "CUDA 13.4 needs driver 580 or newer."),
        (row(min_driver="450.80", cuda="12.9"), "min_driver", "CUDA 12.9 needs driver 525 or newer."),
        (
            row(cuda="14.0"),
            "cuda",
            "Which driver CUDA 14.0 needs is not known; known are the versions 11, 12, 13.",
        ),
        (
            row(compute_capabilities=["7.0", "9.0"]),
            "compute_capabilities[0]",
            "CUDA 13.4 no longer builds for it; the oldest is 7.5.",
        ),
        (
            row(cuda="12.6", compute_capabilities=["9.0", "10.0"]),
            "compute_capabilities[1]",
            "The first CUDA that knows it is 12.8.",
        ),
        (
            row(compute_capabilities=["9.0", "7.5"]),
            "compute_capabilities",
            "Each stands here once, the oldest first.",
        ),
        (row(cuda=None), "cuda", "An image for GPUs needs this."),
        (row(compute_capabilities=None), "compute_capabilities", "An image for GPUs needs this."),
        (cpu(cuda="13.0"), "cuda", "An image for hardware without GPUs has none of this."),
        (
            row(flavour="pytroch"),
            "flavour",
            "'pytroch' is not one of the values that may stand here; did you mean 'pytorch'?",
        ),
        (row(channel="nightly"), "channel", "'nightly' is not one of the values that may stand here."),
        (
            row(framework_version=None),
            "framework_version",
            "A stable image needs the version of its framework; only a candidate can be without.",
        ),
        (
            row(licence_files=None),
            "licence_files",
            "An image of NVIDIA's keeps its licence; name the files that hold it.",
        ),
        (
            row(licence_files=["../etc/passwd"]),
            "licence_files[0]",
            "'../etc/passwd' cannot stand here: a file of the base is absolute, such as /workspace/license.txt.",
        ),
        (row(weight=3), "weight", "There is no field 'weight' here."),
        (row(revision=0), "revision", "This must be at least 1, not 0."),
    ],
)
def test_a_flaw_is_told_at_its_place(tmp_path: Path, changed: Row, path: str, sentence: str) -> None:
    (found,) = told(lint(tmp_path, cpu(release="22.04", channel="long"), changed))

    assert found[0] == f"images[1].{path}"
    assert found[1].startswith(sentence)


def test_a_candidate_can_be_without_digest_and_is_warned_of(tmp_path: Path) -> None:
    found = lint(tmp_path, row(channel="candidate", base=base(digest=None), framework_version=None))

    assert told(found) == []
    (warning,) = found.warnings
    assert warning.path == "images[0].base.digest"
    assert "it can be promoted once this is a digest" in warning.sentence


@pytest.mark.parametrize(("today", "wrong"), [("2027-05-31", False), ("2027-06-01", True)])
def test_an_image_is_offered_until_its_last_day(tmp_path: Path, today: str, *, wrong: bool) -> None:
    found = lint(tmp_path, row(end_of_life="2027-05-31"), today=today)

    sentence = "The end of pytorch:26.08-r1 was on 2027-05-31; take it out, or a newer base in."
    assert told(found) == ([("images[0].end_of_life", sentence)] if wrong else [])


@pytest.mark.parametrize(
    ("second", "path", "sentence"),
    [
        ({"channel": "long"}, "revision", "This image is already that of images[0]; raise its revision."),
        ({"release": "26.09"}, "channel", "A channel has one release of a flavour, and images[0] is it already."),
    ],
)
def test_what_rows_must_not_share(tmp_path: Path, second: dict[str, Any], path: str, sentence: str) -> None:
    found = lint(tmp_path, row(), row(**second))

    assert told(found) == [(f"images[1].{path}", sentence)]


def test_what_rows_share_is_told_beside_what_is_wrong_with_one(tmp_path: Path) -> None:
    found = lint(tmp_path, row(), row(channel="long", min_driver="470"))

    assert [path for path, _ in told(found)] == ["images[1].revision", "images[1].min_driver"]


def test_a_problem_names_line_and_column(tmp_path: Path) -> None:
    (problem,) = lint(tmp_path, row(min_driver="470")).problems

    assert str(problem).startswith(f"{tmp_path / 'matrix.yaml'}:14:15: images[0].min_driver: CUDA 13.4")


def test_a_base_is_named_with_tag_and_digest(tmp_path: Path) -> None:
    (image,) = load_matrix(written(tmp_path, row())).images

    assert image.base.reference == f"nvidia/pytorch:26.08-py3@{DIGEST}"
