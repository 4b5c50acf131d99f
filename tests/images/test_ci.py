"""The pipelines that sites run: what they hold, what linters say of them, and whether they are those of the matrix."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.main import get_command
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.ci.cli import Platform, pipelines
from genkan_images.ci.jobs import RUNNERS, SECRETS, STEPS, VARIABLES
from genkan_images.ci.renovate import CUDA_TAGS, NGC_TAGS, RAPIDS_TAGS
from genkan_images.matrix import load_matrix
from genkan_sandbox.exceptions import BinariesError

from ..support.actionlint import prepare_actionlint
from ..support.sandbox import require
from .matrices import DIGEST, base, cpu, row, written

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "images/ci"
MATRIX = load_matrix(ROOT / "images/matrix.yaml")
FILES = pipelines(MATRIX, platforms=list(Platform))
WORKFLOWS = sorted(name for name in FILES if name.startswith(".github/workflows/"))
GITLAB = ".gitlab/genkan-images.yaml"
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40}")
SCANS = re.compile(r"^ *(?:trivy|syft) ", re.MULTILINE)
UsageError = typer.BadParameter.__mro__[1]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["images", "ci", *map(str, arguments)])


def read(name: str) -> dict[str, Any]:
    data = yaml.safe_load(FILES[name])
    assert isinstance(data, dict)
    return data


def jobs_of_github() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in WORKFLOWS:
        for job, said in read(name)["jobs"].items():
            yield f"{Path(name).stem}:{job}", said


def jobs_of_gitlab() -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, job) for name, job in read(GITLAB).items() if isinstance(job, dict))


def scripts() -> dict[str, str]:
    """Return all that the pipelines have machines do, by the job."""
    found = {
        name: "\n".join(step.get("run", "") for step in job.get("steps", [])) for name, job in jobs_of_github()
    } | {name: "\n".join(job.get("script", [])) for name, job in jobs_of_gitlab()}
    return {name: script for name, script in found.items() if script}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of a site's own, with the pipelines where their platforms look for them."""
    (tmp_path / ".git").mkdir()
    assert run(ROOT / "images/matrix.yaml", "--output", tmp_path).exit_code == 0
    return tmp_path


def test_what_is_committed_follows_from_the_matrix() -> None:
    """Run `genkan images ci` and read the difference."""
    committed = {str(path.relative_to(COMMITTED)): path.read_text() for path in COMMITTED.rglob("*") if path.is_file()}

    assert committed == FILES


def test_the_command_says_what_is_stale_and_writes_nothing(tmp_path: Path) -> None:
    matrix = written(tmp_path, row(), cpu())
    for options in ([], ["--check"]):
        result = run(matrix, "--output", tmp_path / "own", *options)
        assert (result.exit_code, result.stderr) == (0, "")
    written(tmp_path, row(revision=2), cpu())
    (tmp_path / "own/renovate.json").unlink()

    result = run(matrix, "--output", tmp_path / "own", "--check")

    assert result.exit_code == 1
    assert result.stderr == (
        f".github/workflows/genkan-images.yaml, {GITLAB}, renovate.json: not what follows from {matrix}; "
        "run `genkan images ci` and commit it.\n"
    )
    assert not (tmp_path / "own/renovate.json").exists()


def test_a_site_asks_for_its_own_platform(tmp_path: Path) -> None:
    run(written(tmp_path, row()), "--output", tmp_path / "own", "--platform", "gitlab", "--platform", "renovate")

    found = sorted(str(path.relative_to(tmp_path / "own")) for path in (tmp_path / "own").rglob("*") if path.is_file())
    assert found == [GITLAB, "renovate.json"]


def test_a_broken_matrix_writes_no_pipeline(tmp_path: Path) -> None:
    result = run(written(tmp_path, row(min_driver="470")), "--output", tmp_path / "own")

    assert result.exit_code == 1
    assert "CUDA 13.4 needs driver 580 or newer." in result.stderr
    assert not (tmp_path / "own").exists()


def test_an_image_without_the_digest_of_its_base_is_not_built(tmp_path: Path) -> None:
    unpinned = row(channel="candidate", release="26.09", base=base(tag="26.09-py3", digest=None))
    files = pipelines(load_matrix(written(tmp_path, row(), unpinned)), platforms=[Platform.GITHUB, Platform.GITLAB])

    workflow = yaml.safe_load(files[".github/workflows/genkan-images.yaml"])
    (image,) = workflow["jobs"]["image"]["strategy"]["matrix"]["include"]
    assert (image["target"], image["base"]) == ("pytorch-26-08-r1", f"nvidia/pytorch@{DIGEST}")
    for name in (".github/workflows/genkan-images.yaml", GITLAB):
        assert "# Not built until the matrix has the digest of their bases: pytorch:26.09-r1.\n" in files[name]
        assert "26-09" not in files[name]


# What linters say.


def test_yamllint_finds_nothing(checkout: Path) -> None:
    done = linted("yamllint", "--strict", "--config-file", ROOT / ".yamllint.yaml", ".", cwd=checkout)

    assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_finds_nothing(checkout: Path) -> None:
    """Nor in the workflow of the project itself."""
    folders = (checkout / ".github", ROOT / ".github")
    done = linted("zizmor", "--offline", "--no-progress", "--format", "json", *folders, cwd=checkout)

    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_zizmor_sees_what_a_workflow_must_not_have(checkout: Path) -> None:
    file = checkout / ".github/workflows/genkan-image.yaml"
    file.write_text(re.sub(r"checkout@[0-9a-f]{40}  #", "checkout@", file.read_text()))

    assert linted("zizmor", "--offline", "--no-progress", ".github", cwd=checkout).returncode != 0


def test_actionlint_finds_nothing(checkout: Path) -> None:
    try:
        program = prepare_actionlint()
    except BinariesError as e:
        require(str(e))
    for folder in (checkout, ROOT):
        done = subprocess.run([program, "-no-color"], cwd=folder, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")

    file = checkout / ".github/workflows/genkan-image.yaml"
    file.write_text(file.read_text().replace("needs.build.outputs.digest", "needs.build.outputs.digset"))
    assert subprocess.run([program], cwd=checkout, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize(
    ("schema", "names"),
    [
        ("vendor.gitlab-ci", [GITLAB]),
        ("vendor.renovate", ["renovate.json"]),
        ("vendor.github-workflows", WORKFLOWS),
    ],
)
def test_files_have_the_shape_that_their_platform_asks_for(checkout: Path, schema: str, names: list[str]) -> None:
    done = linted("check-jsonschema", "--builtin-schema", schema, *names, cwd=checkout)

    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not on PATH")
def test_shellcheck_finds_nothing_in_the_steps() -> None:
    steps = sorted(STEPS.glob("*.sh"))
    done = subprocess.run(["shellcheck", "--shell=sh", *steps], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def linted(program: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a linter of the development environment, without the colours of a terminal."""
    return subprocess.run(
        [Path(sys.executable).parent / program, *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


# What the pipelines hold.


def test_no_step_is_left_over() -> None:
    whole = "".join(scripts().values())
    unused = [path.name for path in STEPS.glob("*.sh") if path.read_text().splitlines()[-1].strip() not in whole]

    assert unused == []


def test_actions_are_pinned_by_a_hash_and_say_their_version() -> None:
    used = [
        line.strip().removeprefix("- ") for name in WORKFLOWS for line in FILES[name].splitlines() if "uses: " in line
    ]
    actions = [line for line in used if "./.github" not in line]

    assert actions
    assert [line for line in actions if not re.fullmatch(rf"uses: {PINNED.pattern}  # v\d+\.\d+\.\d+", line)] == []


def test_rights_are_the_least() -> None:
    """Nobody writes but the job that opens issues; only the signer gets a token for its identity."""
    rights = {name: job["permissions"] for name, job in jobs_of_github()}

    assert [read(name)["permissions"] for name in WORKFLOWS] == [{}] * len(WORKFLOWS)
    assert {name for name, said in rights.items() if "write" in said.values()} == {
        "genkan-images:image",
        "genkan-image:publish",
        "genkan-images-rescan:report",
    }
    assert rights["genkan-image:publish"] == {"contents": "read", "id-token": "write"}
    assert rights["genkan-images-rescan:report"] == {"issues": "write"}


def test_scanners_run_where_nobody_can_push() -> None:
    """Trivy and Syft see no password, and share a machine with no job that has one to push with."""
    for name, job in jobs_of_github():
        runs = [step for step in job.get("steps", []) if SCANS.search(step.get("run", ""))]
        for step in runs:
            assert job["runs-on"] == ["self-hosted", "genkan-images-scan"], name
            assert job["environment"] == "images-scan", name
            assert "env" not in step, name
            assert step["run"].startswith("set -eu\n"), name
    for name, job in jobs_of_gitlab():
        for block in job.get("script", []):
            if SCANS.search(block):
                assert (job["tags"], job["environment"]["name"]) == (["genkan-images-scan"], "images-scan"), name
                assert "unset REGISTRY_PASSWORD NVIDIA_REGISTRY_PASSWORD\n" in block, name


def test_secrets_are_those_of_an_environment() -> None:
    for name, job in jobs_of_github():
        asked = set(re.findall(r"\bsecrets\.([A-Z_]+)", json.dumps(job.get("steps", []))))
        assert asked <= set(SECRETS), name
        assert not asked or job.get("environment"), name


def test_variables_are_those_that_are_told_of() -> None:
    said = "".join(FILES[name] for name in WORKFLOWS)

    assert set(re.findall(r"vars\.(\w+)", said)) == set(VARIABLES)
    known = yaml.safe_load(FILES[".github/actionlint.yaml"])
    assert (known["self-hosted-runner"]["labels"], known["config-variables"]) == (list(RUNNERS), list(VARIABLES))


def test_promotion_is_a_protected_step_after_the_try_on_a_cluster() -> None:
    promote = dict(jobs_of_github())["genkan-image:promote"]
    assert (promote["environment"], promote["needs"]) == ("images-promotion", ["build", "smoke-test"])
    assert promote["if"] == "${{ !cancelled() && needs.smoke-test.result == 'success' }}"

    jobs = dict(jobs_of_gitlab())
    assert jobs[".genkan-promote"]["environment"] == {"name": "images-promotion"}
    assert {rule["when"] for rule in jobs[".genkan-promote"]["rules"]} == {"manual"}
    assert jobs["promote:cpu-24-04-r1"]["needs"] == ["build:cpu-24-04-r1", "smoke-test:cpu-24-04-r1"]


def test_what_is_offered_is_scanned_each_night() -> None:
    offered = [(str(image.flavour), str(image.channel)) for image in MATRIX.images if image.channel != "candidate"]

    workflow = read(".github/workflows/genkan-images-rescan.yaml")
    rows = workflow["jobs"]["rescan"]["strategy"]["matrix"]["include"]
    assert [(item["flavour"], item["channel"]) for item in rows] == offered
    assert workflow["on"]["schedule"]
    nights = [job["variables"] for name, job in jobs_of_gitlab() if name.startswith("rescan:")]
    assert [(item["FLAVOUR"], item["CHANNEL"]) for item in nights] == offered


def test_both_platforms_do_the_same() -> None:
    github = {
        name.partition(":")[2]: [step.get("run") for step in job.get("steps", [])] for name, job in jobs_of_github()
    }
    gitlab = {name.removeprefix(".genkan-"): job.get("script", []) for name, job in jobs_of_gitlab()}
    for name in ("build", "scan", "publish", "smoke-test", "promote", "rescan"):
        blocks = [block for block in gitlab[name] if block.startswith("set -eu\n")]
        assert blocks, name
        assert [block for block in blocks if block not in github[name]] == [], name


def test_no_registry_is_named() -> None:
    """The site says where images come from and go to."""
    hosts = {
        found
        for name, text in FILES.items()
        for found in re.findall(r"(?<![\w.-])(?:[\w-]+\.)+(?:com|org|net|io|jp|dev)(?::\d+)?(?=/)", text)
    }

    assert hosts == {"docs.renovatebot.com"}


# Commands in them.

VALUES = {
    "PLATFORM": "github",
    "TARGET": "cpu-24-04-r1",
    "FLAVOUR": "cpu",
    "REGISTRY": "registry.example.org/genkan",
    "DIGEST": DIGEST,
    "SIZE_BUDGET": "700000000",
    "SMOKE_TEST_OPTIONS": "--gpu-resource amd.com/gpu --pull-secret puller --node-selector pool=a --node-selector b=c",
    "@": "--exploited build/exploited.json",
    "reports": "build/reports",
}


def command_lines(script: str) -> list[str]:
    """Return the commands of ours in a script, each in one line."""
    whole = re.sub(r"\\\n\s*", "", script)
    return re.findall(r"\.venv/bin/genkan [^|>&\n]*", whole)


def words(line: str) -> list[str]:
    def value(match: re.Match[str]) -> str:
        return VALUES[match[1] or match[2]]

    return shlex.split(re.sub(r"\$\{(\w+)[^}]*\}|\$(\w+|@)", value, line.replace('"$@"', "$@")))


def parse(line: str) -> str:
    """Have the command's own parser read a line; returns the name of the command."""
    _, *rest = words(line)
    command: Any = get_command(app)
    names = []
    while hasattr(command, "commands"):
        names.append(rest[0])
        command = command.commands[rest.pop(0)]
    command.make_context(names[-1], rest)
    return " ".join(names)


LINES = sorted({line.strip() for script in scripts().values() for line in command_lines(script)})


def test_the_pipelines_use_the_commands_that_there_are() -> None:
    assert {parse(line) for line in LINES} == {
        "images build",
        "images ci",
        "images gate licences",
        "images gate sbom",
        "images gate secrets",
        "images gate size",
        "images gate sources",
        "images gate vulnerabilities",
        "images lint",
        "images plan",
        "images smoke-test",
    }


@pytest.mark.parametrize(
    "line", [".venv/bin/genkan images gate size build/image", ".venv/bin/genkan images plan --regsitry x"]
)
def test_a_command_that_there_is_not_would_be_seen(line: str) -> None:
    with pytest.raises(UsageError):
        parse(line)


def test_files_of_the_checkout_that_steps_name_are_there() -> None:
    named = {
        path
        for script in scripts().values()
        for path in re.findall(r"(?<![\w/])(?:tools|tests|images)/[\w./-]+", script)
    }

    assert named >= {"tools/environment", "tests/images/test_built.py"}
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


# Renovate.


def expression(text: str) -> re.Pattern[str]:
    """Return an expression of JavaScript's as Python's."""
    return re.compile(text.removeprefix("regex:").replace("(?<", "(?P<"))


def found_bases() -> list[dict[str, str]]:
    managers = json.loads(FILES["renovate.json"])["customManagers"]
    text = (ROOT / "images/matrix.yaml").read_text()
    return [
        match.groupdict() | {"packageName": manager["packageNameTemplate"]}
        for manager in managers
        for match in expression(manager["matchStrings"][0]).finditer(text)
    ]


def test_renovate_finds_every_base_with_a_digest_in_its_channel() -> None:
    expected = {
        (str(image.channel), image.base.path, image.base.tag, image.base.digest)
        for image in MATRIX.images
        if image.base.digest
    }
    fields = ("depType", "depName", "currentValue", "currentDigest")

    assert {tuple(base[field] for field in fields) for base in found_bases()} == expected
    assert {base["packageName"] for base in found_bases()} == {
        "{{{env.NVIDIA_REGISTRY}}}/{{{depName}}}",
        "{{{env.LIBRARY_REGISTRY}}}/{{{depName}}}",
    }


def test_what_renovate_looks_for_is_in_the_matrix() -> None:
    (pattern,) = json.loads(FILES["renovate.json"])["customManagers"][0]["managerFilePatterns"]

    assert re.fullmatch(pattern.strip("/"), "images/matrix.yaml")


def ordered(scheme: str, tag: str) -> tuple[str | None, tuple[int, ...]] | None:
    match = expression(scheme).fullmatch(tag)
    if match is None:
        return None
    parts = match.groupdict()
    return parts["compatibility"], tuple(int(parts.get(name) or 0) for name in ("major", "minor", "patch"))


@pytest.mark.parametrize(
    ("scheme", "older", "newer"),
    [
        (NGC_TAGS, "25.12-py3", "26.01-py3"),
        (NGC_TAGS, "26.04-py3", "26.04.01-py3"),
        (NGC_TAGS, "24.12-tf2-py3", "25.02-tf2-py3"),
        (RAPIDS_TAGS, "26.04-cuda13-py3.14", "26.06-cuda13-py3.14"),
        (CUDA_TAGS, "13.0.3-cudnn-runtime-ubuntu24.04", "13.1.0-cudnn-runtime-ubuntu24.04"),
    ],
)
def test_tags_of_one_kind_are_ordered(scheme: str, older: str, newer: str) -> None:
    first, second = ordered(scheme, older), ordered(scheme, newer)

    assert first is not None
    assert second is not None
    assert first[0] == second[0]
    assert first[1] < second[1]


@pytest.mark.parametrize(
    ("scheme", "tag"),
    [
        (NGC_TAGS, "26.09-py3-igpu"),
        (NGC_TAGS, "latest"),
        (RAPIDS_TAGS, "26.08a-cuda13-py3.14"),
        (CUDA_TAGS, "13.1.0-base"),
    ],
)
def test_other_tags_are_no_releases(scheme: str, tag: str) -> None:
    assert ordered(scheme, tag) is None


@pytest.mark.parametrize(
    ("scheme", "tag", "other"),
    [
        (RAPIDS_TAGS, "26.06-cuda12-py3.14", "26.06-cuda13-py3.14"),
        (CUDA_TAGS, "13.0.3-base-ubuntu24.04", "13.0.3-cudnn-runtime-ubuntu24.04"),
        (NGC_TAGS, "25.02-py3", "25.02-tf2-py3"),
    ],
)
def test_another_variant_never_takes_the_place_of_one(scheme: str, tag: str, other: str) -> None:
    first, second = ordered(scheme, tag), ordered(scheme, other)

    assert first is not None
    assert second is not None
    assert first[0] != second[0]


def test_every_base_has_a_scheme_of_tags() -> None:
    rules = [rule for rule in json.loads(FILES["renovate.json"])["packageRules"] if "versioning" in rule]
    for found in found_bases():
        (*_, scheme) = [
            rule["versioning"]
            for rule in rules
            if re.fullmatch(rule["matchDepNames"][0].replace("**", ".*"), found["depName"])
        ]
        assert scheme == "ubuntu" or ordered(scheme, found["currentValue"]), found


# What administrators read.

PAGE = (ROOT / "docs/administrators/images-ci.md").read_text()


@pytest.mark.parametrize("name", [*VARIABLES, *SECRETS, *RUNNERS, "ISSUE_TOKEN", "GENKAN_RESCAN", *FILES])
def test_the_page_tells_what_a_site_sets(name: str) -> None:
    parts = (name, Path(name).name)

    assert any(f"`{part}`" in PAGE for part in parts)


def test_the_page_tells_of_every_environment_and_of_no_other() -> None:
    used = {job["environment"] for _, job in jobs_of_github() if "environment" in job}
    used |= {job["environment"]["name"] for _, job in jobs_of_gitlab() if "environment" in job}

    assert set(re.findall(r"`(images-[a-z]+)`", PAGE)) == used
