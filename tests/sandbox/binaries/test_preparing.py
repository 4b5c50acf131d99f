import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from genkan_sandbox.binaries import Addresses, Binaries, Source, prepare, prepare_helm
from genkan_sandbox.binaries.components import ETCD, KUBERNETES, PROXY, Group
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import PlainProgress

from .official import OfficialHost
from .toolbox import NOWHERE, Toolbox

Prepare = Callable[..., Binaries]


@pytest.fixture
def prepared(cache: Path, progress: PlainProgress, toolbox: Toolbox) -> Prepare:
    """`prepare` with the fakes on PATH and an official host that cannot be reached."""
    assert toolbox.path.is_dir()

    def run(
        *,
        addresses: Addresses = NOWHERE,
        sources: frozenset[Source] = frozenset(Source),
        stop: threading.Event | None = None,
    ) -> Binaries:
        return prepare(cache=cache, progress=progress, addresses=addresses, sources=sources, stop=stop)

    return run


def origins(binaries: Binaries) -> dict[str, tuple[Source, Source | None]]:
    return {one.name: (one.source, one.made_by) for one in binaries.provenance}


def test_the_right_versions_on_path_are_taken_and_the_cache_is_left_alone(
    prepared: Prepare, toolbox: Toolbox, cache: Path
) -> None:
    toolbox.components()

    binaries = prepared()

    assert binaries.etcd == toolbox.path / "etcd"
    assert binaries.kube_apiserver == toolbox.path / "kube-apiserver"
    assert binaries.proxy == (str(toolbox.path / "configurable-http-proxy"),)
    assert set(origins(binaries).values()) == {(Source.PATH, None)}
    assert not cache.exists()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("etcd", "etcd Version: 3.6.1"),
        ("configurable-http-proxy", "5.3.9"),
    ],
)
def test_another_patch_release_on_path_will_do(prepared: Prepare, toolbox: Toolbox, name: str, answer: str) -> None:
    toolbox.components()
    toolbox.component(name, answer=answer)

    assert origins(prepared())[name] == (Source.PATH, None)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("kube-scheduler", "Kubernetes v1.36.2"),
        ("kube-apiserver", "Kubernetes v1.36.30"),
        ("etcd", "etcd Version: 3.4.23"),
        ("etcd", "no version"),
        ("configurable-http-proxy", "4.6.1"),
    ],
)
def test_a_wrong_version_on_path_is_not(prepared: Prepare, toolbox: Toolbox, name: str, answer: str) -> None:
    toolbox.everything()
    toolbox.components()
    toolbox.component(name, answer=answer)

    assert origins(prepared())[name][0] is not Source.PATH


def test_what_was_made_once_is_in_the_cache(prepared: Prepare, toolbox: Toolbox, cache: Path) -> None:
    toolbox.everything()

    first = prepared()
    second = prepared()

    assert origins(first) == {
        **{component.name: (Source.BUILD, None) for component in (*KUBERNETES.components, *ETCD.components)},
        "configurable-http-proxy": (Source.NPM, None),
    }
    assert origins(second)["etcd"] == (Source.CACHE, Source.BUILD)
    assert origins(second)["configurable-http-proxy"] == (Source.CACHE, Source.NPM)
    assert second.kube_apiserver == first.kube_apiserver
    assert second.kube_apiserver.is_relative_to(cache)
    assert len(toolbox.builds()) == 2
    assert len(toolbox.installs()) == 1
    assert list((cache / "work").iterdir()) == []


def test_the_official_downloads_come_before_a_build(
    prepared: Prepare, toolbox: Toolbox, host: OfficialHost, log: io.StringIO
) -> None:
    toolbox.everything()
    host.publish()

    binaries = prepared(addresses=host.addresses)

    assert origins(binaries)["kube-apiserver"] == (Source.DOWNLOAD, None)
    assert origins(binaries)["etcd"] == (Source.DOWNLOAD, None)
    assert toolbox.builds() == []
    assert "Downloading Kubernetes v1.36.3 (1 of 3) ..." in log.getvalue()


def test_without_network_it_builds_and_says_so(prepared: Prepare, toolbox: Toolbox, log: io.StringIO) -> None:
    toolbox.everything()

    prepared()

    assert (
        "etcd 3.6.16 is built from its source, since the official download cannot be had: "
        "127.0.0.1:1 cannot be reached (Connection refused).\n"
    ) in log.getvalue()


def test_what_an_incomplete_download_leaves_is_not_built_upon(
    prepared: Prepare, toolbox: Toolbox, host: OfficialHost
) -> None:
    toolbox.everything()
    host.publish()
    (host.programs / "kube-scheduler").unlink()

    assert origins(prepared(addresses=host.addresses))["kube-apiserver"] == (Source.BUILD, None)


@pytest.mark.parametrize("group", [KUBERNETES, ETCD], ids=lambda group: group.name)
def test_a_wrong_checksum_ends_it_and_leaves_nothing(
    *, prepared: Prepare, toolbox: Toolbox, host: OfficialHost, cache: Path, group: Group
) -> None:
    toolbox.everything()
    host.publish()
    altered = host.programs / "kube-scheduler" if group is KUBERNETES else host.etcd_archive
    altered.write_bytes(altered.read_bytes() + b"\n")

    with pytest.raises(BinariesError, match=f"{altered.name} does not have its published checksum") as raised:
        prepared(addresses=host.addresses)

    assert "Try again" in str(raised.value)
    assert toolbox.builds() == []
    assert [entry for entry in cache.iterdir() if entry.name.startswith(f"{group.name}-")] == []
    assert list((cache / "work").iterdir()) == []


def test_a_program_that_says_another_version_than_it_should_is_not_kept(
    prepared: Prepare, toolbox: Toolbox, cache: Path
) -> None:
    toolbox.everything()
    toolbox.go(made={"kube-scheduler": "Kubernetes v0.0.0-master+$Format"})

    with pytest.raises(BinariesError, match=r"kube-scheduler was to be 1\.36\.3, but says that it is 0\.0\.0"):
        prepared()

    assert list(cache.glob("kubernetes-*")) == []


def test_nothing_is_fetched_when_only_path_and_cache_may_be_used(prepared: Prepare, toolbox: Toolbox) -> None:
    toolbox.everything()

    with pytest.raises(BinariesError, match=r"Kubernetes v1.36.3 is neither on PATH nor in the cache .* on PATH"):
        prepared(sources=frozenset({Source.PATH, Source.CACHE}))

    assert toolbox.builds() == []


def test_without_the_cache_among_the_sources_everything_is_made_anew(prepared: Prepare, toolbox: Toolbox) -> None:
    toolbox.everything()
    prepared()

    binaries = prepared(sources=frozenset({Source.BUILD, Source.NPM}))

    assert origins(binaries)["etcd"] == (Source.BUILD, None)
    assert len(toolbox.builds()) == 4


def test_the_proxy_alone_may_come_from_path(prepared: Prepare, toolbox: Toolbox) -> None:
    toolbox.go()
    toolbox.component("configurable-http-proxy")

    binaries = prepared()

    assert origins(binaries)["configurable-http-proxy"] == (Source.PATH, None)
    assert origins(binaries)["etcd"] == (Source.BUILD, None)


def test_a_program_of_the_cache_that_was_cut_off_is_made_again(prepared: Prepare, toolbox: Toolbox) -> None:
    toolbox.everything()
    etcd = prepared().etcd
    etcd.write_text("#!/bin/sh\n")

    assert origins(prepared())["etcd"] == (Source.BUILD, None)
    assert "3.6.16" in etcd.read_text()


def test_a_cache_that_cannot_be_written_is_a_sentence(prepared: Prepare, toolbox: Toolbox, cache: Path) -> None:
    toolbox.everything()
    cache.write_text("")  # a file where the folder should be: root may write everywhere else

    with pytest.raises(BinariesError, match=rf"The sandbox's programs could not be prepared: .*{cache.name}"):
        prepared()


def test_a_cache_of_somebody_else_that_has_everything_is_enough(
    prepared: Prepare, toolbox: Toolbox, cache: Path
) -> None:
    toolbox.everything()
    prepared()
    for name in ("locks", "work", "logs"):
        folder = cache / name
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()

    assert origins(prepared())["etcd"] == (Source.CACHE, Source.BUILD)
    assert {entry.name.partition("-")[0] for entry in cache.iterdir()} == {"kubernetes", "etcd", "proxy"}


def test_a_stop_that_is_asked_for_ends_it(prepared: Prepare, toolbox: Toolbox, cache: Path) -> None:
    toolbox.everything()
    toolbox.go(then=toolbox.hanging())
    stop = threading.Event()
    left: list[str] = []

    def stop_when_hanging() -> None:
        with toolbox.pipe.open() as pipe:
            left.append(pipe.readline())
            stop.set()
            left.append(pipe.read())

    watcher = threading.Thread(target=stop_when_hanging)
    watcher.start()
    with pytest.raises(BinariesError, match="was stopped"):
        prepared(stop=stop)
    watcher.join()

    assert left == ["hanging\n", ""]
    assert list(cache.glob("kubernetes-*")) == []


def test_versions_are_part_of_the_names_in_the_cache(prepared: Prepare, toolbox: Toolbox, cache: Path) -> None:
    toolbox.everything()

    prepared()

    for group in (KUBERNETES, ETCD, PROXY):
        assert len(list(cache.glob(f"{group.name}-{group.version}-linux-*"))) == 1


@pytest.mark.parametrize("on_path", ["v4.3.0", "v4.3.1+g0123abc"])
def test_helm_comes_from_path_where_it_is_of_the_same_series(
    toolbox: Toolbox, cache: Path, progress: PlainProgress, on_path: str
) -> None:
    toolbox.program("helm", f'[ "$1" = version ] && echo "{on_path}"')

    assert prepare_helm(cache=cache, progress=progress, addresses=NOWHERE).source is Source.PATH


def test_an_older_helm_on_path_is_not_taken_and_nothing_else_is_built(
    toolbox: Toolbox, cache: Path, progress: PlainProgress
) -> None:
    toolbox.everything()
    toolbox.program("helm", 'echo "v3.18.4+gd80839c"')

    first = prepare_helm(cache=cache, progress=progress, addresses=NOWHERE)
    second = prepare_helm(cache=cache, progress=progress, addresses=NOWHERE)

    assert (first.source, second.source, second.made_by) == (Source.BUILD, Source.CACHE, Source.BUILD)
    assert [words.split()[-1] for words in toolbox.builds()] == ["helm.sh/helm/v4/cmd/helm"]


def test_the_official_helm_comes_before_a_build(
    toolbox: Toolbox, host: OfficialHost, cache: Path, progress: PlainProgress
) -> None:
    toolbox.everything()
    host.publish()

    assert prepare_helm(cache=cache, progress=progress, addresses=host.addresses).source is Source.DOWNLOAD
