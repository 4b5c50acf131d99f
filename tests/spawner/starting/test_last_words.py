import time

import pytest

from genkan_spawner.starting.last_words import MOST_CHARACTERS, READ_LINES, last_lines, last_words

from ...support.fake_cluster import FakeCluster

TOKEN = "0123456789abcdef0123456789abcdef"


async def words(text: str) -> str:
    cluster = FakeCluster()
    cluster.logs["jupyter-alice"] = text
    return last_words(await last_lines(cluster, "team", "jupyter-alice"))


async def test_the_lines_are_put_into_one() -> None:
    assert (
        await words("  Traceback:\n  File x\nImportError: no module\n\n")
        == "Traceback: / File x / ImportError: no module"
    )


async def test_where_nothing_can_be_read_nothing_is_told() -> None:
    assert await last_lines(FakeCluster(), "team", "jupyter-alice") == ()
    assert await words("\n \n") == ""


async def test_a_container_that_has_just_begun_anew_is_asked_for_its_life_before() -> None:
    class Restarted(FakeCluster):
        async def text(self, path: str, *, query: object = None) -> str:
            assert isinstance(query, dict)
            assert path == "/api/v1/namespaces/team/pods/jupyter-alice/log"
            assert (query["container"], query["tailLines"]) == ("notebook", str(READ_LINES))
            return "It broke.\n" if query["previous"] == "true" else ""

    assert await last_lines(Restarted(), "team", "jupyter-alice") == ["It broke."]


async def test_a_few_lines_are_told_of_all_that_are_read() -> None:
    assert await words("\n\n".join(f"line {number}" for number in range(100))) == (
        "line 95 / line 96 / line 97 / line 98 / line 99"
    )


@pytest.mark.parametrize(
    "line",
    [
        f"http://127.0.0.1:8888/lab?token={TOKEN}",
        "http://127.0.0.1:8888/lab?token=S3cretS3cret",
        "JUPYTERHUB_API_TOKEN=S3cretS3cret",
        "JUPYTERHUB_API_TOKEN: S3cretS3cret",
        "Authorization: token S3cretS3cret",
        "authorization: Bearer S3cretS3cret",
        "Authorization: S3cretS3cret",
        "{'Authorization': 'token S3cretS3cret'}",
        '{"token": "S3cretS3cret"}',
        "password = S3cretS3cret",
        "passwd=S3cretS3cret",
        "client_secret=S3cretS3cret",
        "API_KEY=S3cretS3cret",
        f"the hub refused {TOKEN}",
        f"['jupyterhub-singleuser', '{TOKEN}']",
    ],
)
async def test_whatever_looks_like_a_secret_is_blanked(line: str) -> None:
    found = await words(f"before\n{line}\nafter")

    assert "S3cret" not in found
    assert TOKEN not in found
    assert found.startswith("before / ")
    assert found.endswith(" / after")


async def test_a_secret_that_is_cut_off_is_blanked_too() -> None:
    found = await words("x" * 5000 + f" token={'S3cret' * 150} " + "y" * 500)

    assert "S3cret" not in found
    assert len(found) <= MOST_CHARACTERS


@pytest.mark.parametrize("piece", ["token", "authorization", "secret ", "a" * 31 + "g"])
async def test_a_log_made_to_be_slow_is_not(piece: str) -> None:
    began = time.process_time()

    await words(piece * (65536 // len(piece)))

    assert time.process_time() - began < 0.5
