import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_images.exceptions import ImagesError
from genkan_images.flavours import Channel
from genkan_images.promoting import promote

from .matrices import DIGEST

REPOSITORY = "registry.example.org:5000/genkan/cpu"


@pytest.fixture
def skopeo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A skopeo of our own on PATH, with a registry whose tag is a file."""
    program = tmp_path / "bin/skopeo"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/calls\n'
        f"[ ! -e {tmp_path}/broken ] || {{ echo 'manifest unknown' >&2; exit 1; }}\n"
        f'[ "$1" != inspect ] || cat {tmp_path}/digest\n'
    )
    program.chmod(0o755)
    (tmp_path / "digest").write_text(f"{DIGEST}\n")
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["images", "promote", *arguments])


@pytest.mark.parametrize("name", [REPOSITORY, f"{REPOSITORY}:24.04-r1"])
def test_a_channels_tag_is_moved_to_a_digest(skopeo: Path, name: str) -> None:
    assert promote(f"{name}@{DIGEST}", Channel.STABLE) == f"{REPOSITORY}:stable"
    copy, inspect = (skopeo / "calls").read_text().splitlines()
    assert copy == (
        "copy --quiet --all --preserve-digests --src-tls-verify=true --dest-tls-verify=true "
        f"docker://{REPOSITORY}@{DIGEST} docker://{REPOSITORY}:stable"
    )
    assert inspect.endswith(f"docker://{REPOSITORY}:stable")


@pytest.mark.parametrize(
    "image", [f"{REPOSITORY}:24.04-r1", REPOSITORY, f"{REPOSITORY}@sha256:123", f"../etc@{DIGEST}", "", f"a b@{DIGEST}"]
)
def test_what_has_no_digest_is_not_promoted(skopeo: Path, image: str) -> None:
    with pytest.raises(ImagesError, match="has no digest: promote what was checked"):
        promote(image, Channel.STABLE)
    assert not (skopeo / "calls").exists()


def test_a_registry_that_says_something_else_afterwards_is_told(skopeo: Path) -> None:
    (skopeo / "digest").write_text("sha256:other\n")

    result = run(f"{REPOSITORY}@{DIGEST}", "stable")

    assert result.exit_code == 1
    assert result.stderr == (f"{REPOSITORY}:stable points to sha256:other after the promotion, and not to {DIGEST}.\n")


def test_an_image_that_is_not_there_is_told(skopeo: Path) -> None:
    (skopeo / "broken").touch()

    result = run(f"{REPOSITORY}@{DIGEST}", "stable")

    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"skopeo could not copy docker://{REPOSITORY}:stable: manifest unknown\n"


def test_a_channel_that_there_is_not_is_refused(skopeo: Path) -> None:
    assert run(f"{REPOSITORY}@{DIGEST}", "latest").exit_code == 2
    assert not (skopeo / "calls").exists()


def test_a_machine_without_skopeo_is_told(skopeo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(skopeo))

    assert (
        run(f"{REPOSITORY}@{DIGEST}", "stable").stderr == "skopeo is not installed. On Debian: apt-get install skopeo\n"
    )


def test_plain_http_is_for_those_who_ask_for_it(skopeo: Path) -> None:
    assert (
        run(f"127.0.0.1:5000/genkan/cpu@{DIGEST}", "long", "--plain-http").stdout == "127.0.0.1:5000/genkan/cpu:long\n"
    )
    assert "--dest-tls-verify=false" in (skopeo / "calls").read_text()
