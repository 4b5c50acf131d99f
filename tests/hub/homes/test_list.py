"""`genkan homes list` on folders, on a small cluster, and with a small hub."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_hub.homes.tables import size_text
from genkan_profiles.home_names import stable_name
from genkan_spawner.api import JsonObject

from ...support.kubernetes import fake_api_server
from .test_plan import BASE

SHARED = "homes: {kind: shared, claim: homes, folder: people, folders: {ann: students/ann}"
TOKEN = "a-token-of-an-administrator"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export with three homes, of which one is given by name, and with what is none."""
    people = tmp_path / "export" / "people"
    for name in ("students/ann", "bob", stable_name("Carol")):
        (people / name).mkdir(parents=True)
    (people / "README").write_text("")
    (people / "link").symlink_to("bob")
    (people / "bob" / "data").write_bytes(b"x" * 100_000)
    (people / "bob" / "again").hardlink_to(people / "bob" / "data")
    (people / "bob" / "out").symlink_to("/usr")
    os.utime(people / "bob" / "data", (1_800_000_000, 1_800_000_000))
    return tmp_path / "export"


@pytest.fixture
def file(tmp_path: Path, export: Path) -> Path:
    file = tmp_path / "catalogue.yaml"
    file.write_text(f"{BASE}{SHARED}, fill: {{hub_path: {export}}}}}\n")
    return file


def run(*arguments: str | Path, token: str = TOKEN) -> Result:
    environment = {"JUPYTERHUB_API_TOKEN": token, "JUPYTERHUB_API_URL": ""}
    return CliRunner().invoke(app, ["homes", "list", *map(str, arguments)], env=environment)


def rows(result: Result) -> list[Any]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@asynccontextmanager
async def hub(*users: str, pages_of: int = 2) -> AsyncIterator[str]:
    """Run what answers as a hub's API does, a few users a page."""

    async def answer(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != f"token {TOKEN}":
            return web.json_response({"status": 403}, status=403)
        offset = int(request.query["offset"])
        items = [{"name": name, "last_activity": "2026-09-01T10:00:00.000000Z"} for name in users]
        following = {"offset": offset + pages_of} if offset + pages_of < len(users) else None
        page = {"items": items[offset : offset + pages_of], "_pagination": {"next": following}}
        return web.json_response(page)

    application = web.Application()
    application.router.add_get("/hub/api/users", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/hub/api"
    finally:
        await runner.cleanup()


async def test_folders_are_told_with_their_users_and_sizes(file: Path) -> None:
    async with hub("ann", "Carol", "dave") as url:
        result = await asyncio.to_thread(run, "--catalogue", file, "--hub-api", url, "--json")

    found = {row["path"]: row for row in rows(result)}
    carol = f"people/{stable_name('Carol')}"
    assert {path: (row["user"], row["known"]) for path, row in found.items()} == {
        "people/bob": (None, False),
        carol: ("Carol", True),
        "people/students/ann": ("ann", True),
    }
    bob = found["people/bob"]
    assert 100_000 <= bob["size"] < 200_000
    assert bob["last_use"] == "2027-01-15T08:00:00Z"
    assert {row["kind"] for row in found.values()} == {"shared"}
    assert {row["claim"] for row in found.values()} == {"homes"}


def test_without_a_hub_plain_folders_are_those_of_the_users_of_that_name(file: Path) -> None:
    found = rows(run("--catalogue", file, "--json", "--no-sizes"))

    assert [(row["user"], row["known"], row["size"]) for row in found] == [
        ("bob", None, None),
        (None, None, None),
        ("ann", None, None),
    ]


def test_the_table_is_for_people(file: Path) -> None:
    lines = run("--catalogue", file).stdout.splitlines()

    assert lines[0].split() == ["USER", "KNOWN", "HOME", "SIZE", "LAST", "USE"]
    assert lines[1].split()[:3] == ["bob", "?", "people/bob"]


def test_an_export_elsewhere_can_be_named(file: Path, export: Path) -> None:
    moved = export.rename(export.with_name("moved"))

    assert run("--catalogue", file).stderr.startswith("genkan homes list: ")
    assert len(rows(run("--catalogue", file, "--export", moved, "--json"))) == 3


async def test_claims_are_those_of_the_teams_and_of_other_places(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(f"{BASE}teams: [{{group: vision, display_name: Vision, namespace: vision}}]\n")
    async with fake_api_server(tmp_path) as (server, _), hub("alice") as url:
        for namespace, user in (("vision", "alice"), ("hub", "bob")):
            server.objects[f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"] = [claim(user)]
        result = await asyncio.to_thread(
            run,
            *("--catalogue", file, "--namespace", "hub", "--kubeconfig", tmp_path / "kubeconfig"),
            *("--hub-api", url, "--json"),
        )
        asked = [request.query["labelSelector"] for request in server.requests]

    assert rows(result) == [
        {
            "user": user,
            "known": known,
            "kind": "claim",
            "namespace": namespace,
            "claim": f"home-{user}",
            "path": None,
            "size": 10 * 2**30,
            "last_use": "2026-09-01T10:00:00Z" if known else None,
        }
        for namespace, user, known in (("hub", "bob", False), ("vision", "alice", True))
    ]
    assert asked == ["component=singleuser-storage"] * 2


def claim(user: str) -> JsonObject:
    metadata = {"name": f"home-{user}", "annotations": {"hub.jupyter.org/username": user}}
    return {"metadata": metadata, "status": {"phase": "Bound", "capacity": {"storage": "10Gi"}}}


async def test_what_cannot_be_answered_is_told(file: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.yaml"
    plain.write_text(BASE)
    unmounted = tmp_path / "unmounted.yaml"
    unmounted.write_text(f"{BASE}{SHARED}}}\n")
    async with hub() as url:
        questions: list[tuple[str, list[str | Path], str]] = [
            ("x", ["--catalogue", file, "--hub-api", url], "The hub refuses the token"),
            (TOKEN, ["--catalogue", file, "--hub-api", url.replace("/hub", "")], "answers with status 404"),
            (TOKEN, ["--catalogue", file, "--hub-api", "http://127.0.0.1:9/"], "gave no answer that can be read"),
            ("", ["--catalogue", file, "--hub-api", url], "Put a token for the hub's API into the variable"),
            ("", ["--catalogue", unmounted], "with --export FOLDER"),
            ("", ["--catalogue", plain], "with --namespace NAME"),
            ("", ["--catalogue", plain, "--namespace", "a", "--kubeconfig", tmp_path], "does not say how to reach"),
        ]
        for token, arguments, words in questions:
            result = await asyncio.to_thread(run, *arguments, token=token)
            assert result.exit_code == 1
            assert words in result.stderr
            assert TOKEN not in result.output


@pytest.mark.parametrize(
    ("size", "text"), [(None, ""), (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (2**60, "1024.0 PiB")]
)
def test_sizes_are_written_as_people_do(size: int | None, text: str) -> None:
    assert size_text(size) == text
