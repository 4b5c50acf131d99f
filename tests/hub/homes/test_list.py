"""`genkan homes list` on folders, on a small cluster, and with a small hub."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from typer.testing import CliRunner, Result

from genkan_hub.cli import app
from genkan_hub.homes.tables import size_text
from genkan_profiles.home_names import stable_name
from genkan_spawner.api import JsonObject
from genkan_spawner.marks import USER_NAME

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


def test_whose_a_folder_is_that_no_user_has_by_name_is_not_guessed(file: Path, export: Path) -> None:
    for name in ("lost+found", "Bob", "a--b"):
        (export / "people" / name).mkdir()

    found = {row["path"]: row["user"] for row in rows(run("--catalogue", file, "--json", "--no-sizes"))}
    assert [found[f"people/{name}"] for name in ("lost+found", "Bob", "a--b")] == [None] * 3


def test_folders_beside_those_that_are_given_are_homes_too(file: Path, export: Path) -> None:
    (export / "people" / "students" / "zoe").mkdir()
    (export / "people" / "students" / "list.txt").write_text("")
    (export / "people" / "staff").symlink_to("students")
    file.write_text(file.read_text().replace("students/ann", "students/ann, dan: staff/dan"))

    found = {row["path"]: row["user"] for row in rows(run("--catalogue", file, "--json", "--no-sizes"))}
    assert {path: user for path, user in found.items() if "st" in path.split("/")[1]} == {
        "people/students/ann": "ann",
        "people/students/zoe": None,
    }


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
    claims = {
        "hub": [claim("home-bob", "hub", of="bob"), {"metadata": {"name": "data", "namespace": "hub"}}],
        "vision": [claim("home-alice", "vision", of="alice")],
    }
    assert [
        (row["namespace"], row["claim"], row["user"], row["known"], row["size"], row["path"], row["kind"])
        for row in await listed(tmp_path, file, claims, "--namespace", "hub")
    ] == [
        ("hub", "home-bob", "bob", False, 10 * 2**30, None, "claim"),
        ("vision", "home-alice", "alice", True, 10 * 2**30, None, "claim"),
    ]


async def test_a_claim_is_whose_mark_it_has_or_whose_name(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(f"{BASE}homes: {{kind: claim}}\n")
    claims = {
        "hub": [
            claim("files", "hub", of="bob"),
            claim("home-alice", "hub", of=None),
            claim("home-carol", "hub", of=None),
            claim("home-dave", "hub", of="alice"),
            claim("homes", "hub", of=None),
        ]
    }
    found = await listed(tmp_path, file, claims, "--namespace", "hub")
    assert {row["claim"]: (row["user"], row["known"]) for row in found} == {
        "files": ("bob", False),
        "home-alice": ("alice", True),
        "home-carol": (None, False),
        "home-dave": ("alice", True),
    }


@pytest.mark.parametrize(
    ("of", "unused", "last_use"),
    [
        pytest.param("bob", ("True", "2026-03-01T00:00:00Z"), "2026-03-01T00:00:00Z", id="the cluster knows"),
        pytest.param("bob", None, None, id="nobody knows"),
        pytest.param("bob", ("Unknown", "2026-03-01T00:00:00Z"), None, id="nobody knows yet"),
        pytest.param("alice", None, "2026-09-01T10:00:00Z", id="the hub knows"),
        pytest.param("alice", ("True", "2026-03-01T00:00:00Z"), "2026-09-01T10:00:00Z", id="the hub knows better"),
        pytest.param("alice", ("True", "2026-10-01T00:00:00Z"), "2026-10-01T00:00:00Z", id="the cluster knows better"),
    ],
)
async def test_when_a_claim_was_last_used_is_what_hub_and_cluster_know(
    tmp_path: Path, of: str, unused: tuple[str, str] | None, last_use: str | None
) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(f"{BASE}homes: {{kind: claim}}\n")
    (found,) = await listed(
        tmp_path, file, {"hub": [claim("home-x", "hub", of=of, unused=unused)]}, "--namespace", "hub"
    )

    assert (found["made"], found["last_use"]) == ("2025-01-01T00:00:00Z", last_use)


async def test_a_claim_in_use_is_used_now_and_one_of_which_nobody_knows_was_not_before_it_was_made(
    tmp_path: Path,
) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(f"{BASE}homes: {{kind: claim}}\n")
    claims = [
        claim("home-a", "hub", of="bob", unused=("False", "2026-03-01T00:00:00Z")),
        claim("home-b", "hub", of="bob"),
    ]
    before = datetime.now(tz=UTC).replace(microsecond=0)
    result = await answered(tmp_path, file, {"hub": claims}, "--namespace", "hub")

    in_use, unknown = (line.split() for line in result.stdout.splitlines()[1:])
    assert before <= datetime.fromisoformat(in_use[-1]) <= datetime.now(tz=UTC)
    assert unknown[-2:] == ["after", "2025-01-01T00:00:00Z"]


async def answered(folder: Path, file: Path, claims: dict[str, list[JsonObject]], *arguments: str) -> Result:
    """Ask about the claims of a cluster, of which a hub knows alice."""
    async with fake_api_server(folder) as (server, _), hub("alice") as url:
        for namespace, rows in claims.items():
            server.objects[f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"] = rows
        words: tuple[str | Path, ...] = (
            "--catalogue",
            file,
            "--kubeconfig",
            folder / "kubeconfig",
            "--hub-api",
            url,
            *arguments,
        )
        return await asyncio.to_thread(run, *words)


async def listed(folder: Path, file: Path, claims: dict[str, list[JsonObject]], *arguments: str) -> list[Any]:
    return rows(await answered(folder, file, claims, *arguments, "--json"))


def claim(name: str, namespace: str, *, of: str | None, unused: tuple[str, str] | None = None) -> JsonObject:
    """A claim, and what Kubernetes keeps of its use: a status and since when."""
    metadata: JsonObject = {"name": name, "namespace": namespace, "creationTimestamp": "2025-01-01T00:00:00Z"}
    if of is not None:
        metadata |= {"annotations": {USER_NAME: of}, "labels": {"component": "singleuser-storage"}}
    status: JsonObject = {"phase": "Bound", "capacity": {"storage": "10Gi"}}
    if unused is not None:
        status["conditions"] = [{"type": "Unused", "status": unused[0], "lastTransitionTime": unused[1]}]
    return {"metadata": metadata, "status": status}


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
