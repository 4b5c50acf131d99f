import hashlib
import socket
import threading
from pathlib import Path

import pytest

from genkan_sandbox.binaries.components import ETCD, HELM, KUBERNETES, Group
from genkan_sandbox.binaries.downloading import download
from genkan_sandbox.binaries.fetching import Fetcher, UnavailableError
from genkan_sandbox.binaries.modules import Modules
from genkan_sandbox.binaries.store import Store
from genkan_sandbox.binaries.workshop import Workshop
from genkan_sandbox.exceptions import BinariesError
from genkan_sandbox.progress import PlainProgress

from .official import OfficialHost
from .toolbox import Toolbox


@pytest.fixture
def workshop(cache: Path, progress: PlainProgress, host: OfficialHost, toolbox: Toolbox) -> Workshop:
    assert toolbox.path.is_dir()
    for name in ("made", "scratch"):
        (cache / name).mkdir(parents=True)
    return Workshop(store=Store(root=cache), progress=progress, modules=Modules.locate(), addresses=host.addresses)


@pytest.mark.parametrize("group", [KUBERNETES, ETCD, HELM], ids=lambda group: group.name)
def test_verified_programs_arrive_and_can_be_run(
    workshop: Workshop, host: OfficialHost, cache: Path, group: Group
) -> None:
    host.publish()

    download(group, workshop=workshop, made=cache / "made", scratch=cache / "scratch", title="Downloading")

    programs = sorted((cache / "made").iterdir())
    assert [program.name for program in programs] == sorted(component.name for component in group.components)
    assert all(program.stat().st_mode & 0o777 == 0o755 for program in programs)


def test_a_page_instead_of_a_checksum_is_no_checksum(workshop: Workshop, host: OfficialHost, cache: Path) -> None:
    host.publish()
    (host.etcd_release / "SHA256SUMS").write_text("<html>Welcome to this hotel</html>")

    with pytest.raises(UnavailableError, match=r"no checksum of etcd-v3.6.16-linux-.* is published"):
        download(ETCD, workshop=workshop, made=cache / "made", scratch=cache / "scratch", title="Downloading")


def test_a_file_that_is_not_there_is_unavailable(workshop: Workshop, host: OfficialHost, cache: Path) -> None:
    assert host.folder.is_dir()

    with pytest.raises(UnavailableError, match=r"127.0.0.1:\d+ answered 404"):
        download(ETCD, workshop=workshop, made=cache / "made", scratch=cache / "scratch", title="Downloading")


def test_an_archive_without_the_program_is_refused(workshop: Workshop, host: OfficialHost, cache: Path) -> None:
    host.publish()
    empty = b"no archive"
    host.etcd_archive.write_bytes(empty)
    (host.etcd_release / "SHA256SUMS").write_text(f"{hashlib.sha256(empty).hexdigest()} *{host.etcd_archive.name}")

    with pytest.raises(BinariesError, match="is not the archive that it should be"):
        download(ETCD, workshop=workshop, made=cache / "made", scratch=cache / "scratch", title="Downloading")


def test_a_connection_that_breaks_off_is_not_a_wrong_checksum(tmp_path: Path, toolbox: Toolbox) -> None:
    assert toolbox.path.is_dir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer_once, args=(server, b"Content-Length: 1000\r\n\r\nonly this"))
        thread.start()
        with pytest.raises(UnavailableError, match=r"the connection to 127.0.0.1:\d+ broke off"):
            Fetcher(tick=lambda: None).file(url_of(server), to=tmp_path / "file", show=lambda _: None)
        thread.join()


def test_waiting_for_an_answer_can_be_ended(tmp_path: Path, toolbox: Toolbox) -> None:
    assert toolbox.path.is_dir()
    ticks = iter(range(2))

    def tick() -> None:
        if next(ticks, None) is None:
            raise InterruptedError

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(InterruptedError):
        Fetcher(tick=tick).file(url_of(silent), to=tmp_path / "file", show=lambda _: None)


def test_a_name_that_does_not_exist_is_unavailable(tmp_path: Path, toolbox: Toolbox) -> None:
    assert toolbox.path.is_dir()

    with pytest.raises(UnavailableError, match=r"host\.invalid cannot be reached"):
        Fetcher(tick=lambda: None).file("http://host.invalid/", to=tmp_path / "file", show=lambda _: None)


def url_of(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}/file"


def answer_once(server: socket.socket, answer: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(1 << 16)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + answer)
