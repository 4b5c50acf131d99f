import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.exceptions import ReportError
from genkan_images.gates.archives import open_archive
from genkan_images.gates.licences import judge_licences
from genkan_images.gates.outcome import Outcome
from genkan_images.gates.sboms import judge_sbom
from genkan_images.gates.size import judge_size

from .layouts import Files, layout, packed
from .matrices import row, written

ROOT = Path(__file__).parents[2]
LICENCE = "workspace/license.txt"
BASE: Files = {"bin/sh": os.urandom(3000), LICENCE: b"terms"}
LOCK = """\
jupyterhub==6.1.1 \\
    --hash=sha256:0
Jupyter_Core==5.9.1 \\
    --hash=sha256:0
pywin==1 ; os_name == 'nt' \\
    --hash=sha256:0
"""


def gate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["images", "gate", *map(str, arguments)])


def sized(folder: Path, *ours: Files, budget: int) -> Outcome:
    # A base is compressed anew where it is copied, so that its digests differ.
    base, image = layout(folder / "base", [BASE]), layout(folder / "image", [BASE, *ours], level=1)
    with open_archive(image) as whole, open_archive(base) as below:
        return judge_size(whole, below, budget=budget)


def test_our_layers_are_held_against_the_budget(tmp_path: Path) -> None:
    ours = {"opt/one": os.urandom(60_000)}, {"opt/two": os.urandom(30_000)}

    kept = sized(tmp_path / "small", *ours, budget=90_000)
    passed = sized(tmp_path / "large", *ours, budget=110_000)

    assert kept.failures == ("Our 2 layers have 0.1 MB compressed; the budget is 0.1 MB.",)
    assert passed.passed
    assert passed.notes == ("Our 2 layers have 0.1 MB compressed; the budget is 0.1 MB.",)


def test_what_is_not_compressed_has_no_size_to_judge(tmp_path: Path) -> None:
    plain = "application/vnd.oci.image.layer.v1.tar"
    base = layout(tmp_path / "base", [BASE])
    image = layout(tmp_path / "image", [BASE, {"a": b""}], media_type=plain)

    with open_archive(image) as whole, open_archive(base) as below:
        outcome = judge_size(whole, below, budget=10**9)

    assert outcome.failures == ("1 of our 1 layers are not compressed, so their size says nothing.",)


def test_another_base_keeps_the_gate_shut(tmp_path: Path) -> None:
    base, image = layout(tmp_path / "base", [{"other": b"x"}]), layout(tmp_path / "image", [BASE, {"a": b""}])

    result = gate("size", image, base)

    assert (result.exit_code, result.stderr) == (
        1,
        "size: This image was not built on this base: its layers do not begin with the base's.\nsize: kept back.\n",
    )


@pytest.mark.parametrize("prefix", ["", "./"])
def test_archives_are_read_like_directories(tmp_path: Path, prefix: str) -> None:
    base = packed(layout(tmp_path / "base", [BASE]), prefix=prefix)
    image = packed(layout(tmp_path / "image", [BASE, {"a": b""}]), prefix=prefix)

    result = gate("size", image, base)

    assert (result.exit_code, result.stderr) == (
        0,
        "size: Note: Our 1 layers have 0.0 MB compressed; the budget is 700.0 MB.\nsize: passed.\n",
    )
    assert gate("size", image, base, "--budget", "10").exit_code == 1


def licensed(folder: Path, *layers: Files) -> tuple[str, ...]:
    with open_archive(layout(folder / "image", layers)) as image:
        return judge_licences(image, files=[f"/{LICENCE}"]).failures


@pytest.mark.parametrize("ours", [{"other": b""}, {"workspace/": b""}, {LICENCE: b"the same"}, {".wh.other": b""}])
def test_a_licence_that_is_still_there_passes(tmp_path: Path, ours: Files) -> None:
    assert licensed(tmp_path, BASE, ours) == ()


@pytest.mark.parametrize(
    "ours",
    [
        {"workspace/.wh.license.txt": b""},
        {".wh.workspace": b""},
        {"./workspace/.wh..wh..opq": b""},
        {"workspace": b"a file in the place of the directory"},
    ],
    ids=["deleted", "directory deleted", "directory emptied", "directory replaced"],
)
def test_a_licence_that_our_layers_delete_keeps_an_image_back(tmp_path: Path, ours: Files) -> None:
    assert licensed(tmp_path, BASE, ours) == (f"The licence /{LICENCE} was deleted by a later layer.",)


def test_a_licence_that_comes_back_after_a_deletion_passes(tmp_path: Path) -> None:
    emptied = {"workspace/.wh..wh..opq": b"", LICENCE: b"terms"}

    assert licensed(tmp_path, BASE, emptied) == ()


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        ([{"bin/sh": b""}], f"There is no licence /{LICENCE} in the image."),
        ([BASE, {LICENCE: b""}], f"The licence /{LICENCE} is empty."),
    ],
)
def test_a_licence_that_is_not_there_keeps_an_image_back(tmp_path: Path, layers: list[Files], sentence: str) -> None:
    assert licensed(tmp_path, *layers) == (sentence,)


def test_the_matrix_says_which_licences(tmp_path: Path) -> None:
    matrix = written(tmp_path, row())
    good, bad = layout(tmp_path / "good", [BASE]), layout(tmp_path / "bad", [{"bin/sh": b""}])

    assert gate("licences", good, "pytorch-26-08-r1", "--matrix", matrix).exit_code == 0
    assert gate("licences", bad, "pytorch-26-08-r1", "--matrix", matrix).exit_code == 1
    assert gate("licences", good, "pytorch", "--matrix", matrix).stderr == (
        "licences: The matrix has no pytorch; it has pytorch-26-08-r1.\nlicences: kept back.\n"
    )


def test_a_layer_that_cannot_be_read_keeps_the_gate_shut(tmp_path: Path) -> None:
    image = layout(tmp_path / "image", [BASE])
    for blob in (image / "blobs/sha256").iterdir():
        if blob.read_bytes()[:2] == b"\x1f\x8b":
            blob.write_bytes(blob.read_bytes()[:-2000])

    result = gate("licences", image, "pytorch-26-08-r1", "--matrix", written(tmp_path, row()))

    assert result.exit_code == 1
    assert "is no image that can be judged: the layer sha256:" in result.stderr


def test_a_layer_with_zstd_is_told(tmp_path: Path) -> None:
    image = layout(tmp_path / "image", [BASE], media_type="application/vnd.oci.image.layer.v1.tar+zstd")

    result = gate("licences", image, "pytorch-26-08-r1", "--matrix", written(tmp_path, row()))

    assert "a layer is compressed with zstd, which is not read here; store it with gzip." in result.stderr


@pytest.mark.parametrize(
    ("index", "sentence"),
    [
        (None, "is no image in the OCI format: there is no index.json in it."),
        ("{", "is no image in the OCI format: its index.json is no JSON."),
        ("[]", "is no image in the OCI format: its index.json is no mapping."),
        ('{"manifests": []}', "is no image that can be judged: it holds 0 images, and one is looked at."),
        ('{"manifests": [{"digest": "../x"}]}', "is no image that can be judged: a digest is missing in it."),
        ('{"layers": [], "config": {"digest": "sha256:00"}}', "the OCI format: there is no blobs/sha256/00 in it."),
    ],
)
def test_something_else_than_an_image_is_told(tmp_path: Path, index: str | None, sentence: str) -> None:
    image = tmp_path / "image"
    image.mkdir()
    if index is not None:
        (image / "index.json").write_text(index)

    result = gate("size", image, image)

    assert result.exit_code == 1
    assert sentence in result.stderr


def test_a_file_that_is_no_archive_is_told(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_text("no archive")

    result = gate("size", tmp_path / "image.tar", tmp_path)

    assert "is no image in the OCI format: it is neither a directory nor a tar archive." in result.stderr


def bill(*components: tuple[str, str]) -> str:
    rows = [{"type": "library", "name": name, "version": version} for name, version in components]
    return json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": rows})


def test_a_bill_of_this_image_passes() -> None:
    outcome = judge_sbom(bill(("jupyterhub", "6.1.1"), ("jupyter-core", "5.9.1"), ("bash", "5.2")), lock=LOCK)

    assert outcome == Outcome(notes=("The bill of materials lists 3 components.",))


def test_a_bill_of_another_image_keeps_it_back() -> None:
    outcome = judge_sbom(bill(("jupyterhub", "5.0.0")), lock=LOCK)

    assert outcome.failures == (
        "The bill of materials lacks what the server is made of: jupyter-core 5.9.1, jupyterhub 6.1.1.",
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "The bill of materials is no JSON."),
        ("{}", "The bill of materials is not in CycloneDX' format; write it with `-o cyclonedx-json`."),
        (
            '{"bomFormat": "CycloneDX", "components": {}}',
            None,
        ),
        (
            '{"bomFormat": "CycloneDX", "components": 7}',
            "The bill of materials has something else than a list of components.",
        ),
    ],
)
def test_something_else_than_a_bill_keeps_the_gate_shut(text: str, sentence: str | None) -> None:
    if sentence is None:
        assert not judge_sbom(text, lock=LOCK).passed
        return
    with pytest.raises(ReportError) as caught:
        judge_sbom(text, lock=LOCK)
    assert str(caught.value) == sentence


def test_a_bill_that_is_not_there_keeps_the_gate_shut(tmp_path: Path) -> None:
    result = gate("sbom", tmp_path / "sbom.json", "--lock", ROOT / "images/context/server.txt")

    assert (result.exit_code, result.stderr) == (
        1,
        f"sbom: {tmp_path / 'sbom.json'} cannot be read: No such file or directory.\nsbom: kept back.\n",
    )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    for name in ("plain.Dockerfile", "steps/user.sh", "bin/start"):
        file = tmp_path / "context" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return tmp_path / "context"


def linter(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_what_a_linter_finds_keeps_the_sources_back(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    linter(tmp_path / "bin", "hadolint", "echo 'plain.Dockerfile:1 DL3007 error: latest'; exit 1")
    linter(tmp_path / "bin", "shellcheck", "exit 0")

    result = gate("sources", context)

    assert result.exit_code == 1
    assert result.stderr == (
        "sources: plain.Dockerfile:1 DL3007 error: latest\n"
        "sources: Note: 1 Dockerfiles, 2 scripts.\n"
        "sources: kept back.\n"
    )


@pytest.mark.parametrize("missing", ["hadolint", "shellcheck"])
def test_a_linter_that_is_not_installed_keeps_the_sources_back(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in {"hadolint", "shellcheck"} - {missing}:
        linter(tmp_path / "bin", name, "exit 0")
    (tmp_path / "bin").mkdir(exist_ok=True)

    result = gate("sources", context)

    assert (result.exit_code, result.stderr) == (
        1,
        f"sources: {missing} is not installed, or not on PATH, so nothing was looked at.\nsources: kept back.\n",
    )


def test_a_context_without_sources_keeps_the_gate_shut(tmp_path: Path) -> None:
    result = gate("sources", tmp_path)

    assert (result.exit_code, result.stderr) == (
        1,
        "sources: There is nothing for hadolint to look at.\nsources: kept back.\n",
    )
