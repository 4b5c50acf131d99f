import os
import shlex
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.building import buildah_command, builds, step_digests
from genkan_images.exceptions import ImagesError
from genkan_images.matrix import load_matrix
from genkan_images.plan import bake_plan

from .matrices import DIGEST

ROOT = Path(__file__).parents[2]
MATRIX = ROOT / "images/matrix.yaml"
PLAN = bake_plan(load_matrix(MATRIX), jupyterhub="6.1.1")
REGISTRIES = {
    "NVIDIA_REGISTRY": "registry.example.org/ngc",
    "LIBRARY_REGISTRY": "registry.example.org/mirror",
    "REGISTRY": "registry.example.org/genkan",
}
STAND_IN = "localhost/genkan/stand-in:plain"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A buildah of our own on PATH that writes down how it is called."""
    program = tmp_path / "bin/buildah"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\nexit "$(cat {tmp_path}/status 2>/dev/null || echo 0)"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    for name, value in REGISTRIES.items():
        monkeypatch.setenv(name, value)
    for name in ("EXTRA_CA_BUNDLE", "REVISION", "CREATED"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["images", "build", "--matrix", str(MATRIX), *map(str, arguments)])


def test_groups_and_targets_are_built_once() -> None:
    found = builds(PLAN, ["stable", "cpu", "cpu-24-04-r1"], variables=REGISTRIES)

    assert [row.target for row in found] == ["pytorch-26-08-r1", "cpu-24-04-r1"]
    assert [row.tag for row in found] == [
        "registry.example.org/genkan/pytorch:26.08-r1",
        "registry.example.org/genkan/cpu:24.04-r1",
    ]


def test_an_unknown_name_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(ImagesError, match=r"There is nothing to build that is called 'pytroch'; there are default, "):
        builds(PLAN, ["pytroch"], variables=REGISTRIES)


def test_another_base_takes_the_place_of_name_and_digest() -> None:
    (row,) = builds(PLAN, ["cpu"], variables=REGISTRIES)
    other = row.on(STAND_IN)

    assert row.args["BASE_IMAGE"].startswith("registry.example.org/mirror/library/ubuntu:24.04@sha256:")
    assert other.args["BASE_IMAGE"] == STAND_IN
    assert other.labels["org.opencontainers.image.base.name"] == STAND_IN
    assert "org.opencontainers.image.base.digest" not in other.labels
    assert DIGEST not in other.labels.values()


def test_the_command_runs_buildah(build: Path) -> None:
    result = run("cpu")

    assert (result.exit_code, result.stderr) == (0, "")
    (call,) = (build / "calls").read_text().splitlines()
    assert call.startswith("build --layers --format docker --isolation oci --runtime /usr/sbin/runc --network host ")
    assert " --pull-never " not in call
    assert call.endswith(
        "--file images/context/plain.Dockerfile --tag registry.example.org/genkan/cpu:24.04-r1 images/context"
    )


def test_a_base_of_this_machine_is_never_fetched(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIBRARY_REGISTRY")

    assert run("cpu", "--base", STAND_IN).exit_code == 0
    call = (build / "calls").read_text()
    assert f"--build-arg BASE_IMAGE={STAND_IN} " in call
    assert " --pull-never " in call


def test_certificates_are_a_secret_of_the_build_alone(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXTRA_CA_BUNDLE", "/etc/site/ca.crt")

    run("cpu")

    assert "--secret id=certificates,src=/etc/site/ca.crt" in (build / "calls").read_text()


def test_a_step_is_built_anew_when_a_file_of_it_has_changed(tmp_path: Path) -> None:
    """buildah's cache knows a step by its words and its arguments, and not by the files that are mounted for it."""
    (build,) = builds(PLAN, ["cpu"], variables=REGISTRIES)
    context = tmp_path / "context"
    shutil.copytree(ROOT / build.context, context)
    here = replace(build, context=context, dockerfile=context / "plain.Dockerfile")
    before = step_digests(here)

    (context / "server.txt").write_text("other\n")
    after_lock = step_digests(here)
    (context / "bin/genkan-env").chmod(0o700)
    after_mode = step_digests(here)

    assert before == step_digests(replace(build, context=ROOT / build.context, dockerfile=ROOT / build.dockerfile))
    assert changed(before, after_lock) == {"STEP_SERVER", "STEP_PROGRAMS"}
    assert changed(after_lock, after_mode) == {"STEP_PROGRAMS"}
    assert all(f"--build-arg={name}={value}" in pairs(buildah_command(here)) for name, value in after_mode.items())


def changed(one: dict[str, str], other: dict[str, str]) -> set[str]:
    return {name for name in one if one[name] != other[name]}


def pairs(command: list[str]) -> set[str]:
    return {f"{option}={value}" for option, value in pairwise(command)}


def test_a_file_of_a_step_that_is_missing_is_told(tmp_path: Path) -> None:
    (build,) = builds(PLAN, ["cpu"], variables=REGISTRIES)

    with pytest.raises(ImagesError, match=r"steps/licences\.sh cannot be read: No such file or directory\."):
        step_digests(replace(build, context=tmp_path, dockerfile=ROOT / build.dockerfile))


def test_a_dry_run_prints_what_a_shell_would_take(build: Path) -> None:
    result = run("pytorch", "--dry-run")

    commands = [shlex.split(line) for line in result.stdout.splitlines()]
    assert [command[command.index("--tag") + 1] for command in commands] == [
        f"registry.example.org/genkan/pytorch:{tag}" for tag in ("26.09-r1", "26.08-r1", "25.06-r1")
    ]
    assert "KERNEL_NAME=PyTorch 2.14 (NGC 26.09)" in commands[0]
    assert not (build / "calls").exists()


@pytest.mark.parametrize(
    ("variable", "sentence"),
    [
        ("REGISTRY", "Where cpu-24-04-r1 goes is not known; set REGISTRY, such as localhost/genkan."),
        ("LIBRARY_REGISTRY", "Where the base of cpu-24-04-r1 comes from is not known; set NVIDIA_REGISTRY or "),
    ],
)
def test_a_registry_that_is_missing_is_told_before_anything_is_built(
    build: Path, monkeypatch: pytest.MonkeyPatch, variable: str, sentence: str
) -> None:
    monkeypatch.delenv(variable)

    result = run("cpu")

    assert result.exit_code == 1
    assert result.stderr.startswith(sentence)
    assert not (build / "calls").exists()


def test_a_build_that_fails_ends_the_command(build: Path) -> None:
    (build / "status").write_text("125")

    result = run("pytorch")

    assert (result.exit_code, result.stderr) == (1, "buildah ended with status 125; its own words are above.\n")
    assert len((build / "calls").read_text().splitlines()) == 1


def test_a_machine_without_buildah_is_told(build: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(build))

    result = run("cpu")

    assert (result.exit_code, result.stderr) == (
        1,
        "buildah is not installed. On Debian: apt-get install buildah runc\n",
    )
