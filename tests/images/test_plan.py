import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.exceptions import ImagesError
from genkan_images.flavours import Channel
from genkan_images.matrix import load_matrix
from genkan_images.plan import bake_plan, catalogue_rows, catalogue_text, ci_matrix, labels, locked_version
from genkan_profiles import load_catalogue

from ..support.golden import Golden
from .matrices import DIGEST, base, cpu, row, written

ROOT = Path(__file__).parents[2]
MATRIX = load_matrix(ROOT / "images/matrix.yaml")
JUPYTERHUB = "6.1.1"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["images", *map(str, arguments)])


def test_the_build_plan_of_the_projects_matrix(golden: Golden) -> None:
    golden.check("docker-bake", bake_plan(MATRIX, jupyterhub=JUPYTERHUB))


def test_the_jobs_of_the_projects_matrix(golden: Golden) -> None:
    golden.check("ci-matrix", ci_matrix(MATRIX))


def test_the_labels_of_the_projects_matrix(golden: Golden) -> None:
    golden.check("labels", {image.target: labels(image, jupyterhub=JUPYTERHUB) for image in MATRIX.images})


def test_the_catalogues_images_of_the_projects_matrix(golden: Golden) -> None:
    rows = catalogue_rows(MATRIX, registry="registry.example.org/genkan", channels=Channel, digests={})

    golden.check("images", yaml.safe_load(catalogue_text(rows)))


def test_the_plan_names_no_registry(tmp_path: Path) -> None:
    matrix = load_matrix(written(tmp_path, row(), cpu()))
    targets = bake_plan(matrix, jupyterhub=JUPYTERHUB)["target"]

    assert (
        targets["pytorch-26-08-r1"]["args"]["BASE_IMAGE"] == f"${{NVIDIA_REGISTRY}}/nvidia/pytorch:26.08-py3@{DIGEST}"
    )
    assert targets["cpu-24-04-r1"]["args"]["BASE_IMAGE"] == f"${{LIBRARY_REGISTRY}}/library/ubuntu:24.04@{DIGEST}"
    assert targets["cpu-24-04-r1"]["tags"] == ["${REGISTRY}/cpu:24.04-r1"]


def test_a_candidate_without_digest_is_built_on_its_tag_and_has_no_label_for_it(tmp_path: Path) -> None:
    matrix = load_matrix(written(tmp_path, row(channel="candidate", base=base(digest=None))))
    (target,) = bake_plan(matrix, jupyterhub=JUPYTERHUB)["target"].values()

    assert target["args"]["BASE_IMAGE"] == "${NVIDIA_REGISTRY}/nvidia/pytorch:26.08-py3"
    assert "org.opencontainers.image.base.digest" not in target["labels"]
    assert ci_matrix(matrix)["include"][0]["pinned"] is False


def test_the_rows_are_part_of_a_catalogue(tmp_path: Path) -> None:
    rows = catalogue_rows(MATRIX, registry="registry.example.org/genkan", channels=Channel, digests={})
    (tmp_path / "images.yaml").write_text(catalogue_text(rows))
    (tmp_path / "hardware.yaml").write_text(
        "hardware:\n"
        "- {slug: small, display_name: Small, cpu: 1, memory: 2Gi}\n"
        "- {slug: a100, display_name: A100, cpu: 1, memory: 2Gi, gpu: {count: 1, product: NVIDIA-A100-SXM4-80GB}}\n"
    )

    assert load_catalogue(tmp_path).images == rows


def test_pushed_images_are_offered_by_their_digest(tmp_path: Path) -> None:
    digests = {"pytorch-26-08-r1": DIGEST}
    matrix = load_matrix(written(tmp_path, row(), cpu()))

    first, second = catalogue_rows(matrix, registry="r.example.org", channels=Channel, digests=digests)

    assert first.image == f"r.example.org/pytorch:26.08-r1@{DIGEST}"
    assert second.image == "r.example.org/cpu:24.04-r1"


def test_the_command_writes_the_same_bytes_each_time(tmp_path: Path) -> None:
    written_files = []
    for folder in ("first", "second"):
        result = run("plan", ROOT / "images/matrix.yaml", "--output", tmp_path / folder)
        assert (result.exit_code, result.stderr) == (0, "")
        written_files.append({file.name: file.read_bytes() for file in (tmp_path / folder).iterdir()})

    assert written_files[0] == written_files[1]
    assert sorted(written_files[0]) == ["ci-matrix.json", "docker-bake.json", "images.yaml", "labels.json"]


def test_the_command_offers_candidates_only_when_asked(tmp_path: Path) -> None:
    slugs = []
    for options in ([], ["--candidates"]):
        run("plan", ROOT / "images/matrix.yaml", "--output", tmp_path, *options)
        slugs.append([image["slug"] for image in yaml.safe_load((tmp_path / "images.yaml").read_text())["images"]])

    assert slugs[0] == ["pytorch", "pytorch-long", "tensorflow-long", "cpu"]
    assert "jax-candidate" in slugs[1]


def test_the_command_reads_what_bake_wrote(tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.json"
    metadata.write_text(json.dumps({"cpu-24-04-r1": {"containerimage.digest": DIGEST}, "buildx.build.warnings": []}))

    run("plan", ROOT / "images/matrix.yaml", "--output", tmp_path, "--pushed", metadata)

    assert f"cpu:24.04-r1@{DIGEST}" in (tmp_path / "images.yaml").read_text()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "The metadata of the build is no JSON."),
        ("[]", "The metadata of the build is no list of targets, as bake writes it."),
        (
            '{"cpu": {"containerimage.digest": "latest"}}',
            "The metadata of the build has something else than a digest for 'cpu'.",
        ),
    ],
)
def test_other_metadata_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "metadata.json").write_text(text)
    pushed = tmp_path / "metadata.json"

    result = run("plan", ROOT / "images/matrix.yaml", "--output", tmp_path / "plan", "--pushed", pushed)

    assert (result.exit_code, result.stderr) == (1, f"{sentence}\n")
    assert not (tmp_path / "plan").exists()


def test_the_command_refuses_a_broken_matrix(tmp_path: Path) -> None:
    result = run("plan", written(tmp_path, row(min_driver="470")), "--output", tmp_path / "plan")

    assert result.exit_code == 1
    assert "images[0].min_driver: CUDA 13.4 needs driver 580 or newer." in result.stderr
    assert not (tmp_path / "plan").exists()


@pytest.mark.parametrize("registry", ["", "Registry/UPPER", "https://registry.example.org", "a b"])
def test_a_registry_that_cannot_be_one_is_refused(tmp_path: Path, registry: str) -> None:
    result = run("plan", ROOT / "images/matrix.yaml", "--output", tmp_path / "plan", "--registry", registry)

    assert (result.exit_code, result.stderr) == (
        1,
        f"Images cannot begin with {registry!r}; take a registry and a path, such as registry.example.org/genkan.\n",
    )
    assert not (tmp_path / "plan").exists()


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = run("plan", ROOT / "images/matrix.yaml", "--output", tmp_path / "file")

    assert (result.exit_code, result.stderr) == (1, f"{tmp_path / 'file'} cannot be written: File exists.\n")


def test_a_matrix_without_the_servers_lock_is_refused(tmp_path: Path) -> None:
    result = run("plan", written(tmp_path, row()), "--output", tmp_path / "plan")

    assert result.exit_code == 1
    assert result.stderr == f"{tmp_path / 'context/server.txt'} cannot be read: No such file or directory.\n"


def test_a_lock_without_the_package_is_refused() -> None:
    with pytest.raises(ImagesError, match="fixes no version of jupyterhub"):
        locked_version("jupyterhub-idle-culler==2.0 \\\n", "jupyterhub")


def test_lint_tells_problems_and_leaves_with_one(tmp_path: Path) -> None:
    unpinned = base(source="library", path="library/ubuntu", tag="24.04", digest=None)
    file = written(tmp_path, row(end_of_life="2026-01-31"), cpu(channel="candidate", base=unpinned))

    result = run("lint", file, "--today", "2026-11-23")

    assert result.exit_code == 1
    assert "images[0].end_of_life: The end of pytorch:26.08-r1 was on 2026-01-31" in result.stderr
    assert "images[1].base.digest: Warning: cpu:24.04-r1 is built on whatever the tag points to" in result.stderr
    assert result.stderr.endswith("1 problem, 1 warning.\n")
    assert run("lint", file, "--today", "2026-01-31").exit_code == 0


def test_lint_prints_json(tmp_path: Path) -> None:
    result = run("lint", written(tmp_path, row(flavour="torch")), "--json")
    said = json.loads(result.stdout)

    assert (result.exit_code, said["valid"]) == (1, False)
    assert said["problems"][0]["path"] == "images[0].flavour"
    assert said["problems"][0]["allowed"] == ["pytorch", "tensorflow", "jax", "rapids", "cuda", "cpu"]
