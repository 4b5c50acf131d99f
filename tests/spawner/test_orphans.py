import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from jupyterhub import orm
from sqlalchemy import event
from sqlalchemy.orm import Session

from genkan_spawner.kinds import PODS
from genkan_spawner.marks import HUB, SERVER_NAME, USER_NAME, hub_mark
from genkan_spawner.orphans import EVERY, GRACE, PAGE, Claims, OrphanSweep, claims_of

from ..support.jumping import in_jumping_time
from .stage import NAMESPACE, Refusals, Stage, answered, stage, stamp

MARK = hub_mark(b"this hub")
OLD = datetime.now(tz=UTC) - GRACE - timedelta(seconds=1)


def put(play: Stage, name: str, *, mark: str = MARK, created: datetime = OLD, server: str = "") -> None:
    annotations = {USER_NAME: name} | ({SERVER_NAME: server} if server else {})
    metadata = {"creationTimestamp": stamp(created), "annotations": annotations}
    labels = {HUB: mark} if mark else {}
    play.put(name, metadata=metadata | {"labels": {"component": "singleuser-server"} | labels})


def sweep(play: Stage, *, claimed: Iterable[tuple[str, str]] = ()) -> OrphanSweep:
    async def claims() -> Claims:
        return Claims(owners=frozenset(claimed), pods=frozenset())

    return OrphanSweep(play.view, mark=MARK, claims=claims)


async def shown(play: Stage, count: int) -> None:
    await play.seen(lambda: len(list(play.view.servers)) == count)


@in_jumping_time
async def test_what_no_server_claims_is_removed_at_the_second_look(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(monkeypatch) as play:
        put(play, "gone")
        await shown(play, 1)
        looking = sweep(play)

        await looking.look()
        assert play.pod("gone") is not None
        await looking.look()
        assert play.pod("gone") is None
    assert "The hub has no record of the server of pod default/gone; removing it." in caplog.text


@in_jumping_time
async def test_pods_of_another_hub_or_of_none_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "theirs", mark=hub_mark(b"another hub"))
        put(play, "nobodys", mark="")
        await shown(play, 2)
        looking = sweep(play)

        for _ in range(3):
            await looking.look()

        assert play.pod("theirs")
        assert play.pod("nobodys")


@in_jumping_time
async def test_young_pods_may_belong_to_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "young", created=datetime.now(tz=UTC))
        await shown(play, 1)
        looking = sweep(play)

        for _ in range(3):
            await looking.look()

        assert play.pod("young")


@in_jumping_time
async def test_claimed_servers_stay_by_user_and_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "alice")
        put(play, "bob", server="second")
        put(play, "carol", server="second")
        await shown(play, 3)
        looking = sweep(play, claimed=[("alice", ""), ("bob", "second"), ("carol", "")])

        for _ in range(2):
            await looking.look()

        assert play.pod("alice")
        assert play.pod("bob")
        assert play.pod("carol") is None


@in_jumping_time
async def test_who_is_claimed_in_between_is_not_suspect_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "alice")
        await shown(play, 1)
        claimed: list[tuple[str, str]] = []
        looking = sweep(play, claimed=claimed)

        await looking.look()
        claimed.append(("alice", ""))
        await looking.look()
        claimed.clear()
        await looking.look()
        assert play.pod("alice")
        await looking.look()
        assert play.pod("alice") is None


@in_jumping_time
async def test_a_namesake_that_came_in_between_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "alice")
        await shown(play, 1)
        looking = sweep(play)
        await looking.look()

        await play.cluster.delete(PODS, "alice", namespace=NAMESPACE, grace_seconds=0)
        put(play, "alice")
        await shown(play, 1)
        await looking.look()

        assert play.pod("alice")


@in_jumping_time
async def test_one_that_cannot_be_removed_does_not_keep_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(monkeypatch) as play:
        for name in ("a", "b", "c"):
            put(play, name)
        await shown(play, 3)
        play.cluster.fails = Refusals("DELETE", "/b", [answered(403)], for_ever=True)
        looking = sweep(play)

        for _ in range(2):
            await looking.look()

        assert [name for name in "abc" if play.pod(name)] == ["b"]
        assert "Pod default/b could not be removed yet." in caplog.text
        play.cluster.fails = None
        await looking.look()
        assert play.pod("b") is None


@in_jumping_time
async def test_a_blind_view_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "gone")
        await shown(play, 1)
        looking = sweep(play)
        await looking.look()
        await play.blind()

        for _ in range(3):
            await looking.look()

        assert play.pod("gone")


@in_jumping_time
async def test_it_goes_on_whatever_happens(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    async with stage(monkeypatch) as play:
        put(play, "gone")
        await shown(play, 1)
        answers = iter([False, True])

        async def claims() -> Claims:
            if next(answers, False):
                raise RuntimeError("The database is away.")
            return Claims(owners=frozenset(), pods=frozenset())

        running = asyncio.create_task(OrphanSweep(play.view, mark=MARK, claims=claims).run())
        await asyncio.sleep(2.5 * EVERY)
        assert play.pod("gone")
        await asyncio.sleep(EVERY)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        assert play.pod("gone") is None
        assert "Looking for servers without a record failed." in caplog.text
        (failure,) = [record for record in caplog.records if record.name.endswith("orphans") and record.exc_info]
        assert failure.levelno >= logging.WARNING


def database_of(names: Iterable[str]) -> Session:
    """Return a hub's database with a running server for each user."""
    database: Session = orm.new_session_factory("sqlite:///:memory:")()
    for name in names:
        user = orm.User(name=name)
        database.add(user)
        database.add(orm.Spawner(name="", user=user, server=orm.Server()))
    database.commit()
    return database


async def test_claims_are_those_of_the_hubs_database() -> None:
    with database_of(["alice"]) as database:
        alice = orm.User.find(database, "alice")
        database.add(orm.Spawner(name="second", user=alice, server=orm.Server()))
        database.add(orm.Spawner(name="stopped", user=alice))
        database.commit()

        assert (await claims_of(database)()).owners == {("alice", ""), ("alice", "second")}


@in_jumping_time
async def test_the_server_of_a_user_who_was_renamed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play:
        put(play, "alice")
        put(play, "bob")
        await shown(play, 2)
        with database_of(["alice", "bob"]) as database:
            for name in ("alice", "bob"):
                user = orm.User.find(database, name)
                user.orm_spawners[""].state = {"pod_name": name, "namespace": NAMESPACE}
                user.name = f"{name}-new"
            user.orm_spawners[""].server = None
            database.commit()
            looking = OrphanSweep(play.view, mark=MARK, claims=claims_of(database))

            for _ in range(2):
                await looking.look()

        assert play.pod("alice")
        assert play.pod("bob") is None


async def test_the_claims_of_many_are_a_few_queries_and_let_others_work_in_between() -> None:
    """A query for each pod would stop the hub for seconds, once a minute."""
    names = [f"user-{number}" for number in range(2 * PAGE + 1)]
    with database_of(names) as database:
        queries: list[str] = []
        event.listen(database.get_bind(), "before_cursor_execute", lambda *given: queries.append(given[2]))
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        working = asyncio.create_task(others())
        found = await claims_of(database)()
        working.cancel()

    assert found.owners == {(name, "") for name in names}
    assert len([query for query in queries if "spawners" in query]) == 4
    assert turns >= 3


def test_a_mark_tells_hubs_apart_and_keeps_the_secret() -> None:
    assert hub_mark(b"one") == hub_mark(b"one") != hub_mark(b"other")
    assert hub_mark(b"one").isalnum()
    assert len(hub_mark(b"one")) <= 63
    assert b"one".hex() not in hub_mark(b"one")
