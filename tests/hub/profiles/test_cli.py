import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_profiles import SAMPLE, compile_profiles, load_catalogue, offers_for
from genkan_profiles.schema import SCHEMA_FILE

CATALOGUE = """\
hardware:
- {slug: small, display_name: Größe S, cpu: 2, memory: 4Gi}
- {slug: old-card, display_name: Old card, cpu: 2, memory: 4Gi, gpu: {count: 1, product: NVIDIA-GeForce-GTX-1080}}
- {slug: big, display_name: Big, cpu: 8, memory: 64Gi, groups: [vision]}
images:
- {slug: scipy, display_name: SciPy, image: "registry.example.org/scipy:1"}
- {slug: torch, display_name: PyTorch, image: "registry.example.org/torch:1", cuda: "13.0"}
priorities:
- {slug: normal, display_name: Normal, priority_class: site-normal}
teams:
- {group: vision, display_name: Vision, namespace: team-vision}
volumes:
- {slug: data, display_name: Data, mount_path: /data, claim: data, read_only: true, hardware: [old-card, big]}
own_image: {pattern: "registry[.]example[.]org/.+", message: Ours only., groups: [vision]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["profiles", *map(str, arguments)])


def data(*arguments: str | Path) -> Any:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_what_everybody_is_offered_is_shown_in_tables(file: Path) -> None:
    result = run("show", file)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "HARDWARE  NAME      A SERVER GETS               IMAGES\n"
        "small*    Größe S   2 CPUs, 4 GB memory         scipy*, torch\n"
        "old-card  Old card  1 GPU, 2 CPUs, 4 GB memory  scipy*\n"
        "\n"
        "IMAGE  NAME     REFERENCE\n"
        "scipy  SciPy    registry.example.org/scipy:1\n"
        "torch  PyTorch  registry.example.org/torch:1\n"
        "\n"
        "PRIORITY  NAME    PRIORITY CLASS\n"
        "normal*   Normal  site-normal\n"
        "\n"
        "VOLUME  NAME  MOUNTED AT         ON\n"
        "data    Data  /data (read-only)  old-card\n"
        "\n"
        "LEFT OUT   ROW        ON        BECAUSE\n"
        "hardware   big        all       It is kept for vision.\n"
        "teams      vision     all       Its members are those of vision.\n"
        "own_image  own_image  all       It is kept for vision.\n"
        "images     torch      old-card  "
        "CUDA 13.0 needs compute capability 7.5 or newer, and NVIDIA-GeForce-GTX-1080 has 6.1.\n"
        "\n"
        "* is chosen unless the user chooses otherwise.\n"
    )


def test_what_a_group_is_offered_is_shown_too(file: Path) -> None:
    lines = run("show", file, "--group", "vision").stdout.splitlines()

    assert "big       Big       8 CPUs, 64 GB memory        scipy*, torch" in lines
    assert "vision*  Vision  team-vision" in lines
    assert "Another image  registry[.]example[.]org/.+" in lines
    assert "data    Data  /data (read-only)  old-card, big" in lines


def test_the_same_is_shown_as_json(file: Path) -> None:
    shown = data("show", file, "--json", "--group", "vision", "--group", "admins")

    assert shown["groups"] == ["admins", "vision"]
    assert shown["hardware"][1] == {
        "slug": "old-card",
        "display_name": "Old card",
        "details": "1 GPU, 2 CPUs, 4 GB memory",
        "default": False,
        "images": ["scipy"],
        "default_image": "scipy",
    }
    assert shown["images"][0] == {"slug": "scipy", "display_name": "SciPy", "image": "registry.example.org/scipy:1"}
    assert shown["priorities"] == [
        {"slug": "normal", "display_name": "Normal", "priority_class": "site-normal", "default": True}
    ]
    assert shown["teams"] == [{"slug": "vision", "display_name": "Vision", "namespace": "team-vision", "default": True}]
    assert shown["volumes"] == [
        {
            "slug": "data",
            "display_name": "Data",
            "mount_path": "/data",
            "read_only": True,
            "hardware": ["old-card", "big"],
        }
    ]
    assert shown["own_image"] == {"display_name": "Another image", "pattern": "registry[.]example[.]org/.+"}
    assert shown["left_out"] == [
        {
            "section": "images",
            "slug": "torch",
            "reason": "CUDA 13.0 needs compute capability 7.5 or newer, and NVIDIA-GeForce-GTX-1080 has 6.1.",
            "hardware": "old-card",
        }
    ]


def test_the_built_in_catalogue_is_meant_without_a_path() -> None:
    assert [row["slug"] for row in data("show", "--json")["hardware"]] == ["cpu-small", "cpu-large", "gpu-1", "gpu-2"]


def test_the_path_may_be_an_option_of_show(file: Path) -> None:
    assert data("show", "--json", "--catalogue", file) == data("show", "--json", file)

    twice = run("show", file, "--catalogue", file)
    assert twice.exit_code == 2
    assert "either as PATH or with --catalogue" in twice.stderr


def test_a_directory_is_shown_as_one_catalogue(file: Path) -> None:
    (file.parent / "more.yaml").write_text("hardware: [{slug: more, display_name: More, cpu: 1, memory: 1Gi}]")

    slugs = [row["slug"] for row in data("show", file.parent, "--json")["hardware"]]

    assert slugs == ["small", "old-card", "more"]


@pytest.mark.parametrize("command", ["show", "render"])
def test_a_group_that_makes_no_difference_is_told(file: Path, command: str) -> None:
    result = run(command, file, "--group", "vison", "--group", "vision")

    assert result.exit_code == 0
    assert result.stderr == "Warning: no row of this catalogue names the group 'vison'.\n"


def test_where_nothing_is_offered_that_is_said(file: Path) -> None:
    file.write_text(CATALOGUE.replace("memory: 4Gi", "memory: 4Gi, groups: [vision]"))

    assert run("show", file).stdout.startswith("Nothing is offered.\n\nLEFT OUT")


def test_what_kubespawner_is_given_is_printed(file: Path) -> None:
    rendered = run("render", SAMPLE, "--group", "vision")

    assert json.loads(rendered.stdout) == compile_profiles(offers_for(load_catalogue(SAMPLE), {"vision"}))
    assert rendered.stdout == run("render", SAMPLE, "--group", "vision").stdout
    assert "Größe S" in run("render", file).stdout


@pytest.mark.parametrize("command", ["lint", "show", "render"])
def test_a_broken_catalogue_is_told_with_all_its_places(file: Path, command: str) -> None:
    file.write_text("hardware: []\nimage: []\n" + "volumes:\n" + "- {}\n" * 150)

    result = run(command, file)

    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.splitlines()
    assert lines[:3] == [
        f"{file}:1:1: images: This field is missing.",
        f"{file}:1:11: hardware: This must have at least 1 entry, not 0.",
        (
            f"{file}:2:1: image: There is no field 'image' here; did you mean 'images'? "
            "(allowed: hardware, images, priorities, teams, volumes, homes, own_image, gpu_products)"
        ),
    ]
    assert lines[-1] == (
        f"{file}: 453 problems." if command == "lint" else f"{file}:153:3: volumes[149].slug: This field is missing."
    )


@pytest.mark.parametrize("command", ["lint", "show", "render"])
def test_a_missing_catalogue_is_a_sentence(command: str) -> None:
    result = run(command, "gone.yaml")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == "gone.yaml: There is no such file."


def test_problems_are_printed_as_json(file: Path) -> None:
    file.write_text("hardware: []\nimages: 1\n")

    result = run("lint", file, "--json")

    assert (result.exit_code, result.stderr) == (1, "")
    assert json.loads(result.stdout) == {
        "path": str(file),
        "valid": False,
        "problems": [
            {
                "file": str(file),
                "line": 1,
                "column": 11,
                "path": "hardware",
                "sentence": "This must have at least 1 entry, not 0.",
                "allowed": [],
            },
            {
                "file": str(file),
                "line": 2,
                "column": 9,
                "path": "images",
                "sentence": "This must be a list, not 1.",
                "allowed": [],
            },
        ],
        "warnings": [],
    }


def test_a_good_catalogue_is_told_to_be_one(file: Path) -> None:
    result = run("lint", file)

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"{file}: no problems.\n")
    assert data("lint", file, "--json") == {"path": str(file), "valid": True, "problems": [], "warnings": []}


def test_an_image_that_runs_nowhere_is_a_warning(file: Path) -> None:
    file.write_text(CATALOGUE.replace('cuda: "13.0"', "runs_on: gpu, min_compute_capability: '9.0'"))

    result = run("lint", file)

    assert result.exit_code == 0
    assert result.stderr == (
        f"{file}:7:3: images[1]: Warning: This image is offered on no hardware. "
        "small: It is meant for hardware with GPUs.\n"
        f"{file}: no problems and 1 warning.\n"
    )
    assert [warning["line"] for warning in data("lint", file, "--json")["warnings"]] == [7]


def test_a_warning_stands_in_its_own_file(file: Path) -> None:
    more = file.with_name("more.yaml")
    more.write_text("images: [{slug: x, display_name: X, image: 'x:1', min_compute_capability: '9.0', runs_on: gpu}]")

    assert run("lint", file.parent).stderr.startswith(f"{more}:1:10: images[0]: Warning: ")


def test_a_file_whose_name_is_no_text_is_told(tmp_path: Path) -> None:
    odd = tmp_path / "caf\udce9.yaml"
    odd.write_text("")

    result = run("lint", odd)

    assert result.exit_code == 1
    assert "caf\\udce9.yaml: The file holds nothing." in result.stderr
    assert json.loads(run("lint", odd, "--json").stdout)["path"].endswith("caf\udce9.yaml")


def test_the_schema_is_the_shipped_one() -> None:
    assert run("schema").stdout == SCHEMA_FILE.read_text()


@pytest.mark.parametrize("arguments", [["lint", "a", "b"], ["show", "--groups", "x"], ["nothing"]])
def test_a_wrong_call_is_told_apart_from_a_broken_catalogue(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2
