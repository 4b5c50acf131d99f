"""`genkan helm prepull`: images are fetched where the catalogue offers them, and nowhere else."""

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # published without types
import pytest
import yaml
from hypothesis import given, settings
from typer.testing import CliRunner

from genkan_hub.cli import app
from genkan_hub.helm.machine_classes import machine_classes, unknown_machines
from genkan_hub.helm.prepulling import Chart, prepull_values
from genkan_profiles import SAMPLE, Catalogue, load_catalogue
from genkan_profiles.overrides import hardware_override

from ...support.catalogues import catalogues
from ...support.helm import PLATFORM

SCHEMA = yaml.safe_load((PLATFORM / "values.schema.yaml").read_text())
RUN = CliRunner()
DIGEST = "0" * 64


def written(tmp_path: Path, *, hardware: str = "", image: str = "r.example.org/x:1") -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(
        f"hardware: [{{slug: a, display_name: A, cpu: 1, memory: 1Gi, {hardware}}}]\n"
        f"images: [{{slug: x, display_name: X, image: '{image}'}}]\n"
    )
    return path


def printed(*arguments: str | Path) -> dict[str, Any]:
    done = RUN.invoke(app, ["helm", "prepull", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    values: dict[str, Any] = yaml.safe_load(done.stdout)
    return values


def test_each_kind_of_machine_gets_what_can_run_on_it() -> None:
    classes = printed(SAMPLE)["imagePullers"]["classes"]

    assert list(classes) == ["cpu-small", "gtx-1080", "rtx-2080-ti", "v100-1", "a100-1", "a100-slice", "gpu-shared"]
    assert set(classes["gtx-1080"]["images"]) == {"pytorch-24-12"}
    assert "scipy" not in classes["a100-1"]["images"]
    assert classes["a100-1"]["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]


@given(catalogue=catalogues())
@settings(max_examples=30, deadline=None)
def test_the_chart_takes_what_is_written_of_any_catalogue(catalogue: Catalogue) -> None:
    values = prepull_values(catalogue, Chart.PLATFORM)

    jsonschema.validate(
        values["imagePullers"], {**SCHEMA["properties"]["imagePullers"], "definitions": SCHEMA["definitions"]}
    )


@given(catalogue=catalogues())
@settings(max_examples=30, deadline=None)
def test_every_image_is_fetched_wherever_it_is_offered(catalogue: Catalogue) -> None:
    classes = list(machine_classes(catalogue))
    unknown = {row.slug for row in unknown_machines(catalogue)}
    for row in catalogue.hardware:
        if row.slug in unknown:
            continue
        override = hardware_override(row, volumes=(), resources=())
        fetched = {
            reference
            for one in classes
            if one.node_selector == override["node_selector"]
            and one.tolerations == list(override["tolerations"].values())
            and (one.node_affinity == override["node_affinity_required"] or not override["node_affinity_required"])
            for reference in one.images.values()
        }
        offered = {
            image.image
            for image, reason in zip(catalogue.images, catalogue.obstacles[row.slug], strict=True)
            if not reason
        }
        assert offered <= fetched


def test_gpus_of_any_product_are_those_of_machines_with_a_card(tmp_path: Path) -> None:
    path = written(tmp_path, hardware="gpu: {count: 1}")

    (one,) = printed(path)["imagePullers"]["classes"].values()

    assert one["nodeAffinity"][0]["matchExpressions"][0]["key"] == "nvidia.com/gpu.present"


def test_gpus_that_nothing_tells_where_they_are_get_nothing_and_a_warning(tmp_path: Path) -> None:
    path = written(tmp_path, hardware="gpu: {resource: amd.com/gpu, count: 1}")

    done = RUN.invoke(app, ["helm", "prepull", str(path)])

    assert "Warning: a: The catalogue does not say which machines have it" in done.stderr
    assert yaml.safe_load(done.stdout) == {"imagePullers": {"classes": {}}}


@pytest.mark.parametrize(
    ("image", "name", "tag"),
    [
        ("r.example.org:5000/x:1.2", "r.example.org:5000/x", "1.2"),
        (f"r.example.org/x@sha256:{DIGEST}", "r.example.org/x@sha256", DIGEST),
        (f"r.example.org/x:1@sha256:{DIGEST}", "r.example.org/x:1@sha256", DIGEST),
    ],
)
def test_the_hubs_chart_joins_a_reference_as_it_was(tmp_path: Path, image: str, name: str, tag: str) -> None:
    values = printed("--chart", "jupyterhub", written(tmp_path, image=image))

    assert values["prePuller"]["extraImages"] == {"x": {"name": name, "tag": tag}}


def test_long_names_stay_apart(tmp_path: Path) -> None:
    slugs = [f"{'a' * 60}-{letter}" for letter in "bc"]
    rows = [
        {"slug": slug, "display_name": "x", "cpu": 1, "memory": "1Gi", "node_selector": {"pool": slug[-1]}}
        for slug in slugs
    ]
    images = [{"slug": slug, "display_name": "x", "image": f"r.example.org/{slug[-1]}:1"} for slug in slugs]
    (tmp_path / "catalogue.yaml").write_text(yaml.safe_dump({"hardware": rows, "images": images}))
    catalogue = load_catalogue(tmp_path)

    keys = prepull_values(catalogue, Chart.HUB)["prePuller"]["extraImages"]
    classes = prepull_values(catalogue, Chart.PLATFORM)["imagePullers"]["classes"]

    assert len(keys) == len(classes) == 2
    assert max(map(len, keys)) <= 52
    assert max(map(len, classes)) <= 40


def test_a_broken_catalogue_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "catalogue.yaml").write_text("hardware: 5")

    done = RUN.invoke(app, ["helm", "prepull", str(tmp_path)])

    assert done.exit_code == 1
    assert done.stdout == ""
    assert "hardware" in done.stderr
