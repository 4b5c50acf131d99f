import asyncio
import json
import logging
from pathlib import Path

import pytest

from genkan_sandbox.agent.exports import CONFIG_MAP, NAMESPACE, SERVER, ExportBoard, ExportError
from genkan_sandbox.agent.ownership import Owners
from genkan_spawner.kinds import CONFIG_MAPS

from ...support.fake_cluster import FakeCluster


@pytest.fixture
def board(tmp_path: Path) -> ExportBoard:
    return ExportBoard(FakeCluster(), tmp_path, owners=Owners())


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_an_export_and_its_folders_are_made_with_their_rights(board: ExportBoard, tmp_path: Path) -> None:
    board.post({"homes": json.dumps({"mode": "755", "folders": {"home": "1771"}})})

    assert (rights(tmp_path / "homes"), rights(tmp_path / "homes" / "home")) == (0o755, 0o1771)
    name, rules, directory = board.find({"server": SERVER, "path": "/homes/home"})
    assert (name, rules.root_squash, directory) == ("homes", True, tmp_path / "homes" / "home")


def test_rights_that_somebody_changed_stay(board: ExportBoard, tmp_path: Path) -> None:
    board.post({"homes": json.dumps({"folders": {"home": "1771"}})})
    (tmp_path / "homes" / "home").chmod(0o700)
    board.post({"homes": json.dumps({"folders": {"home": "1777", "old": "755"}})})

    assert (rights(tmp_path / "homes" / "home"), rights(tmp_path / "homes" / "old")) == (0o700, 0o755)


@pytest.mark.parametrize("path", ["/nope", "/", "/homes/nope", "/homes/../secret", "/homes/out", "homes"])
def test_what_is_not_exported_cannot_be_mounted(board: ExportBoard, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").mkdir()
    board.post({"homes": "{}"})
    (tmp_path / "homes" / "out").symlink_to(tmp_path / "secret")

    with pytest.raises(ExportError) as caught:
        board.find({"server": SERVER, "path": path})
    words = f"mount.nfs: mounting {SERVER}:{path} failed, reason given by server: No such file or directory"
    assert str(caught.value) == words


def test_a_server_of_another_name_is_not_found(board: ExportBoard) -> None:
    with pytest.raises(ExportError, match=r"^mount\.nfs: Failed to resolve server nas: Name or service not known$"):
        board.find({"server": "nas", "path": "/homes"})


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"mode": "rwx"}', '{"folders": {"../x": "755"}}', '{"squash": true}']
)
def test_a_declaration_that_is_not_valid_is_logged_and_left_out(
    board: ExportBoard, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    with caplog.at_level(logging.WARNING):
        board.post({"bad": text, "good": "{}"})

    assert "The export bad is not valid and ignored" in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["good"]


@pytest.mark.parametrize("name", ["..", ".", "a/b", ""])
def test_no_export_is_made_outside_their_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    root = tmp_path / "exports"
    ExportBoard(FakeCluster(), root, owners=Owners()).post({name: '{"folders": {"home": "755"}}'})

    assert "ignored" in caplog.text
    assert list(tmp_path.iterdir()) == []


async def test_declarations_are_followed(tmp_path: Path) -> None:
    cluster = FakeCluster()
    board = ExportBoard(cluster, tmp_path, owners=Owners())
    task = asyncio.create_task(board.run())
    metadata = {"name": CONFIG_MAP, "namespace": NAMESPACE}
    cluster.put(CONFIG_MAPS, {"metadata": metadata, "data": {"homes": "{}"}})
    await cluster.until((tmp_path / "homes").is_dir)

    cluster.remove(CONFIG_MAPS, CONFIG_MAP, namespace=NAMESPACE)

    def gone() -> bool:
        try:
            board.find({"server": SERVER, "path": "/homes"})
        except ExportError:
            return True
        return False

    await cluster.until(gone)
    assert (tmp_path / "homes").is_dir()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
