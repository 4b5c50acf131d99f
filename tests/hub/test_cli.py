import json
from pathlib import Path

from typer.testing import CliRunner

from genkan_hub.cli import app
from genkan_profiles import __version__


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"{__version__}\n")


def test_what_is_offered_is_shown_as_a_table() -> None:
    result = CliRunner().invoke(app, ["profiles", "show"])

    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["kind", "slug", "name", "details"]
    assert lines[1] == ["CPU", "cpu-small", "Small", "1", "CPU,", "2", "GB", "memory", "default"]
    assert [line[1] for line in lines[1:]] == ["cpu-small", "cpu-large", "gpu-1", "gpu-2", "scipy", "pytorch", "jax"]


def test_what_is_offered_is_shown_as_json(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(
        "hardware: [{slug: a, display_name: Größe A, cpu: 2, memory: 4Gi, gpu: {count: 1}}]\n"
        "images: [{slug: i, display_name: I, image: 'registry.example.org/i:1'}]\n"
    )

    result = CliRunner().invoke(app, ["profiles", "show", "--json", "--catalogue", str(file)])

    assert json.loads(result.stdout) == [
        {
            "kind": "GPU",
            "slug": "a",
            "display_name": "Größe A",
            "details": "1 GPU, 2 CPUs, 4 GB memory",
            "default": True,
        },
        {
            "kind": "image",
            "slug": "i",
            "display_name": "I",
            "details": "registry.example.org/i:1",
            "default": True,
        },
    ]


def test_a_broken_catalogue_is_told_with_its_places(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text("hardware: []\nimage: []\n")

    result = CliRunner().invoke(app, ["profiles", "show", "--catalogue", str(file)])

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{file}:1:1: images: This field is missing.",
        f"{file}:1:11: hardware: This must have at least 1 entries, not 0.",
        f"{file}:2:1: image: There is no field 'image' here; did you mean 'images'? (allowed: hardware, images)",
    ]


def test_a_missing_catalogue_is_a_sentence() -> None:
    result = CliRunner().invoke(app, ["profiles", "show", "--catalogue", "gone.yaml"])

    assert (result.exit_code, result.stderr) == (1, "gone.yaml: There is no such file.\n")
