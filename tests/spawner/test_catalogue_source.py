import asyncio
import logging
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client import REGISTRY, generate_latest

from genkan_profiles import Catalogue, DocumentError, load_catalogue
from genkan_spawner.catalogue_source import INTERVAL, MOST_LISTS, CatalogueSource, source_for
from genkan_spawner.file_changes import SETTLED

from ..support.clocks import FakeClock
from ..support.users import ordinary_user

HARDWARE = "hardware: [{slug: %s, display_name: Small, cpu: 1, memory: 2Gi}]\n"
IMAGES = 'images: [{slug: scipy, display_name: SciPy, image: "registry.example.org/scipy:1"}]\n'


def text(slug: str) -> str:
    return HARDWARE % slug + IMAGES


BROKEN = text("small").replace("cpu: 1", "cpu: lots")


@dataclass
class Loader:
    """Reads catalogues, counts that, and takes as long as a test wants."""

    count: int = 0
    may_end: threading.Event = field(default_factory=threading.Event)
    began: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_end.set()

    def __call__(self, path: Path) -> Catalogue:
        self.count += 1
        self.began.set()
        self.may_end.wait()
        return load_catalogue(path)


def settle(file: Path) -> None:
    """Make a file as old as one that was written some time ago."""
    found = file.stat()
    os.utime(file, (found.st_atime, found.st_mtime - SETTLED - 1))


def write(file: Path, content: str) -> None:
    file.write_text(content)


def remove(file: Path) -> None:
    file.unlink()


def replace(file: Path, content: str) -> None:
    """Put a file in the place of another in one step."""
    new = file.with_suffix(".new")
    new.write_text(content)
    settle(new)
    new.replace(file)


def write_unnoticed(file: Path, content: str) -> None:
    """Write as many characters as there were, within what the file system takes for the same moment."""
    before = file.stat()
    file.write_text(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "catalogue.yaml"
    write(file, text("first"))
    settle(file)
    return file


@pytest.fixture
def source(file: Path, loader: Loader, clock: FakeClock) -> CatalogueSource:
    return CatalogueSource(file, load=loader, clock=clock)


async def slug(source: CatalogueSource) -> str:
    return (await source.current()).catalogue.hardware[0].slug


async def test_a_changed_file_is_there_for_the_next_form(source: CatalogueSource, file: Path, clock: FakeClock) -> None:
    assert await slug(source) == "first"

    write(file, text("later"))
    clock.now += INTERVAL

    assert await slug(source) == "later"


async def test_files_are_looked_at_once_in_an_interval(source: CatalogueSource, file: Path, clock: FakeClock) -> None:
    await source.current()
    replace(file, text("later"))
    clock.now += INTERVAL / 2

    assert await slug(source) == "first"


async def test_an_unchanged_file_is_read_once(source: CatalogueSource, loader: Loader, clock: FakeClock) -> None:
    first = await source.current()
    clock.now += INTERVAL
    second = await source.current()

    assert loader.count == 1
    assert second.loaded_at == first.loaded_at
    assert second.checked_at > first.checked_at
    assert second.catalogue is first.catalogue


async def test_a_crowd_of_forms_reads_once(
    source: CatalogueSource, file: Path, loader: Loader, clock: FakeClock
) -> None:
    assert await asyncio.gather(*(slug(source) for _ in range(50))) == ["first"] * 50
    replace(file, text("later"))
    clock.now += INTERVAL

    assert await asyncio.gather(*(slug(source) for _ in range(50))) == ["later"] * 50
    assert loader.count == 2


async def test_a_form_that_is_given_up_does_not_take_the_others_along(source: CatalogueSource, loader: Loader) -> None:
    loader.may_end.clear()
    impatient, patient = asyncio.create_task(slug(source)), asyncio.create_task(slug(source))
    await asyncio.to_thread(loader.began.wait)

    impatient.cancel()
    loader.may_end.set()

    assert await patient == "first"
    assert loader.count == 1


async def test_a_file_that_is_written_twice_in_a_moment_is_read_twice(
    source: CatalogueSource, file: Path, loader: Loader, clock: FakeClock
) -> None:
    write(file, text("early"))
    assert await slug(source) == "early"

    write_unnoticed(file, text("later"))
    clock.now += INTERVAL

    assert await slug(source) == "later"


async def test_a_broken_file_leaves_the_last_good_one(source: CatalogueSource, file: Path, clock: FakeClock) -> None:
    good = await source.current()
    replace(file, BROKEN)
    clock.now += INTERVAL

    loaded = await source.current()

    assert loaded.catalogue is good.catalogue
    assert loaded.loaded_at == good.loaded_at
    assert loaded.broken is not None
    assert str(loaded.broken).startswith(f"{file}:1:52: hardware[0].cpu: 'lots' is no quantity")
    assert source.first().broken is loaded.broken


async def test_what_is_broken_is_logged_once_per_change_and_so_is_its_mend(
    source: CatalogueSource, file: Path, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for content in ("", BROKEN, BROKEN + "# again\n", BROKEN.replace("lots", "many"), text("first"), text("second")):
        if content:
            replace(file, content)
        for _ in range(3):
            clock.now += INTERVAL
            await source.current()

    told = [(record.levelname, record.getMessage().partition("\n")) for record in caplog.records]
    assert [(level, lines[0].replace(str(file), "FILE")) for level, lines in told] == [
        ("INFO", "The catalogue FILE was read (hardware: 1, images: 1)."),
        ("ERROR", "The catalogue FILE cannot be used; the last good one stays in use."),
        ("ERROR", "The catalogue FILE cannot be used; the last good one stays in use."),
        ("INFO", "The catalogue FILE can be used again."),
        ("INFO", "The catalogue FILE was read (hardware: 1, images: 1)."),
    ]
    assert told[1][1][2].startswith(f"{file}:1:52: hardware[0].cpu: 'lots' is no quantity")
    assert "'many'" in told[2][1][2]


async def test_a_file_that_is_gone_or_half_written_or_shut_is_broken(
    source: CatalogueSource, file: Path, clock: FakeClock
) -> None:
    await source.current()
    whole = text("later")
    halves = {whole[:cut]: cut for cut in (0, 20, len(whole) - 5)}
    for half in halves:
        write(file, half)
        clock.now += INTERVAL
        assert (await source.current()).broken is not None
    write(file, whole)
    clock.now += INTERVAL
    assert (await source.current()).broken is None

    remove(file)
    clock.now += INTERVAL
    loaded = await source.current()

    assert loaded.catalogue.hardware[0].slug == "later"
    assert str(loaded.broken) == f"{file}: There is no such file."


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that others may look into."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        yield directory


def test_a_file_that_may_no_longer_be_read_is_broken(open_directory: Path, clock: FakeClock) -> None:
    file = open_directory / "catalogue.yaml"
    write(file, text("first"))
    source = CatalogueSource(file, clock=clock)
    source.first()
    file.chmod(0o000)
    clock.now += INTERVAL

    with ordinary_user():
        loaded = asyncio.run(source.current())

    assert "may not be read by the user" in str(loaded.broken)


async def test_without_a_good_one_every_form_is_told(source: CatalogueSource, file: Path, clock: FakeClock) -> None:
    write(file, BROKEN)

    for ask in (source.current, source.current):
        with pytest.raises(DocumentError, match="'lots' is no quantity"):
            await ask()
    with pytest.raises(DocumentError, match="'lots' is no quantity"):
        source.first()

    write(file, text("first"))
    assert await slug(source) == "first"


async def test_the_switch_of_a_config_map_is_seen(tmp_path: Path, clock: FakeClock) -> None:
    """The kubelet writes a new hidden folder and renames a link to it, so that all files change at once."""
    mounted = tmp_path / "mounted"

    def publish(version: str) -> None:
        folder = mounted / f"..{version}"
        folder.mkdir(parents=True)
        (folder / "hardware.yaml").write_text(HARDWARE % version)
        (folder / "images.yaml").write_text(IMAGES)
        for written in folder.iterdir():
            os.utime(written, (1, 1))
        (mounted / "..new").symlink_to(folder.name)
        (mounted / "..new").replace(mounted / "..data")

    publish("first")
    for name in ("hardware.yaml", "images.yaml"):
        (mounted / name).symlink_to(f"..data/{name}")
    source = CatalogueSource(mounted, clock=clock)
    assert await slug(source) == "first"

    publish("other")
    clock.now += INTERVAL

    assert await slug(source) == "other"


async def test_a_file_more_or_less_in_a_directory_is_seen(file: Path, clock: FakeClock) -> None:
    source = CatalogueSource(file.parent, clock=clock)
    assert len((await source.current()).catalogue.hardware) == 1

    more = file.with_name("more.yaml")
    replace(more, HARDWARE % "second")
    clock.now += INTERVAL
    assert len((await source.current()).catalogue.hardware) == 2

    more.unlink()
    clock.now += INTERVAL
    assert len((await source.current()).catalogue.hardware) == 1


async def test_a_hanging_file_server_does_not_hold_up_forms_for_ever(
    file: Path, loader: Loader, clock: FakeClock
) -> None:
    source = CatalogueSource(file, load=loader, clock=clock, patience=0)
    source.first()
    replace(file, text("later"))
    loader.may_end.clear()
    clock.now += INTERVAL

    assert await slug(source) == "first"

    loader.may_end.set()
    assert source._look is not None
    await source._look
    assert await slug(source) == "later"


async def test_profiles_are_compiled_once_for_groups_that_make_no_difference(file: Path) -> None:
    write(file, text("small") + "teams: [{group: vision, display_name: V, namespace: v}]\n")
    loaded = CatalogueSource(file).first()

    everybody = loaded.profiles_for([])

    assert loaded.profiles_for({"unheard-of"}) is everybody
    assert loaded.profiles_for(["vision", "unheard-of"]) is loaded.profiles_for(frozenset({"vision"}))
    assert "team" in loaded.profiles_for({"vision"})[0]["profile_options"]
    assert "team" not in everybody[0]["profile_options"]


async def test_few_compiled_lists_are_kept(file: Path) -> None:
    groups = [f"g{number}" for number in range(8)]
    write(
        file,
        text("small")
        + "".join(["teams:\n", *(f"- {{group: {name}, display_name: T, namespace: t}}\n" for name in groups)]),
    )
    loaded = CatalogueSource(file).first()
    alone = loaded.profiles_for([])

    for number in range(2**8):
        loaded.profiles_for([name for place, name in enumerate(groups) if number >> place & 1])
        assert loaded.profiles_for([]) is alone

    assert len(loaded._lists.kept) == MOST_LISTS


async def test_there_is_one_source_for_a_path(file: Path) -> None:
    assert source_for(file) is source_for(Path(str(file)))
    assert source_for(file) is not source_for(file.parent)


async def test_metrics_tell_how_the_catalogue_stands(source: CatalogueSource, file: Path, clock: FakeClock) -> None:
    loaded = await source.current()

    assert REGISTRY.get_sample_value("genkan_catalogue_valid") == 1
    stamp = REGISTRY.get_sample_value("genkan_catalogue_loaded_timestamp_seconds")
    assert stamp is not None
    assert math.isclose(stamp, loaded.loaded_at.timestamp())
    rows = {
        section: REGISTRY.get_sample_value("genkan_catalogue_rows", {"section": section})
        for section in ("hardware", "images", "teams", "own_image")
    }
    assert rows == {"hardware": 1, "images": 1, "teams": 0, "own_image": 0}

    replace(file, BROKEN)
    clock.now += INTERVAL
    await source.current()

    assert REGISTRY.get_sample_value("genkan_catalogue_valid") == 0
    assert REGISTRY.get_sample_value("genkan_catalogue_rows", {"section": "hardware"}) == 1


async def test_a_scrape_finds_what_is_broken_while_no_user_comes(file: Path) -> None:
    source = source_for(file)
    write(file, BROKEN)

    generate_latest(REGISTRY)
    assert source._look is not None
    await source._look

    assert REGISTRY.get_sample_value("genkan_catalogue_valid") == 0


def test_a_scrape_without_an_event_loop_tells_what_is_known(file: Path) -> None:
    source_for(file).first()

    assert REGISTRY.get_sample_value("genkan_catalogue_valid") == 1
