import json
import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.gates.structure import STRUCTURE

ROOT = Path(__file__).parents[2]
IMAGE = "localhost/genkan/cpu:24.04-r1"
CONFIG = {"User": "1000:100", "Labels": {"dev.genkan.flavour": "cpu"}}

# What container-structure-test 1.19 prints, shortened.
WARNING = "WARNING: Using the host driver runs tests directly on the machine\n\nContinue? (y/n)\nForcing test run!\n"
GOOD = {"Name": "File Existence Test: the server", "Pass": True, "Duration": 0}
BAD = {"Name": "Metadata Test", "Pass": False, "Errors": ["Image user root does not match config user: 1000:100\nmore"]}


def report(*results: dict[str, object]) -> str:
    return WARNING + json.dumps({"Pass": len(results), "Results": results})


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A buildah of our own whose containers say what a file says, and a program that is none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "buildah").write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/calls\n'
        'case "$1" in\n'
        f"from) [ ! -e {tmp_path}/no-image ] || {{ echo 'image not known' >&2; exit 125; }}; echo cpu-working ;;\n"
        f"inspect) cat {tmp_path}/inspected ;;\n"
        f"run) cat {tmp_path}/said; exit $(cat {tmp_path}/status) ;;\n"
        "esac\n"
    )
    (folder / "container-structure-test").write_bytes(b"\x7fELF")
    for program in folder.iterdir():
        program.chmod(0o755)
    (tmp_path / "inspected").write_text(json.dumps({"OCIv1": {"config": CONFIG}}))
    monkeypatch.setenv("PATH", f"{folder}:{os.defpath}")
    monkeypatch.chdir(ROOT)
    says(tmp_path, report(GOOD))
    return tmp_path


def says(machine: Path, text: str, *, status: int = 0) -> None:
    (machine / "said").write_text(text)
    (machine / "status").write_text(str(status))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["images", "gate", "structure", IMAGE, *arguments])


def test_an_image_that_has_everything_passes_and_its_container_goes(machine: Path) -> None:
    result = run()

    assert (result.exit_code, result.stderr) == (
        0,
        "structure: Note: 1 of 1 tests have passed.\nstructure: passed.\n",
    )
    assert (machine / "calls").read_text().splitlines()[-1] == "rm cpu-working"


def test_an_image_that_lacks_something_is_kept_back_with_the_reason(machine: Path) -> None:
    says(machine, report(GOOD, BAD), status=1)

    result = run()

    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "structure: Metadata Test: Image user root does not match config user: 1000:100.",
        "structure: Note: 1 of 2 tests have passed.",
        "structure: kept back.",
    ]


@pytest.mark.parametrize(
    ("text", "status"),
    [("", 0), (WARNING, 0), (report(), 0), ("exec format error", 1), (WARNING + '{"Results": [{}]}', 0)],
    ids=["nothing", "no report", "no tests", "cannot be run", "another report"],
)
def test_what_was_not_looked_at_has_not_passed(machine: Path, text: str, status: int) -> None:
    says(machine, text, status=status)

    result = run()

    assert result.exit_code == 1
    assert result.stderr.startswith(f"structure: container-structure-test gave no report on {IMAGE}: ")


def test_a_status_that_no_test_explains_keeps_an_image_back(machine: Path) -> None:
    says(machine, report(GOOD), status=2)

    assert "structure: it ended with status 2 and said nothing." in run().stderr.splitlines()


def test_a_program_that_is_missing_keeps_an_image_back(machine: Path) -> None:
    (machine / "bin/container-structure-test").unlink()

    result = run()

    assert (result.exit_code, result.stderr.splitlines()) == (
        1,
        [
            "structure: container-structure-test is not installed, or not on PATH, so nothing was looked at.",
            "structure: kept back.",
        ],
    )


def test_a_script_in_the_place_of_the_program_is_told(machine: Path) -> None:
    (machine / "bin/container-structure-test").write_text("#!/usr/bin/python3\n")

    assert "is a script that calls container-structure-test; put the program itself on PATH." in run().stderr


def test_an_image_that_is_not_there_is_told(machine: Path) -> None:
    (machine / "no-image").touch()

    assert run().stderr.startswith(f"structure: buildah has no image {IMAGE}: image not known")


@pytest.mark.parametrize("file", [STRUCTURE, Path("hub/structure.yaml")], ids=str)
def test_the_projects_own_tests_look_at_metadata_and_files(file: Path) -> None:
    """container-structure-test passes over what it does not know."""
    data = yaml.safe_load((ROOT / file).read_text())

    assert set(data) <= {"schemaVersion", "metadataTest", "fileExistenceTests", "fileContentTests"}
    assert data["schemaVersion"] == "2.0.0"
    assert {"user", "entrypoint", "cmd", "workdir"} <= set(data["metadataTest"])
    for test in data["fileExistenceTests"]:
        assert set(test) <= {"name", "path", "shouldExist", "permissions", "isExecutableBy"}
