"""Keycloak's distribution, unpacked and started once, so that each run of tests starts it in seconds."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from genkan_sandbox.progress import Progress, open_progress
from genkan_sandbox.state import default_cache_directory

from .launch import LEAST_JAVA, OPTIONS, Launch

VERSION = "26.4.0"

ARTIFACT = f"org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"

SHA256 = "1b6a11a2726ac8a8dc9c91d5fafe989a75ce4f1622d7f7b45c21d5bc16629c0a"

PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1"

PATIENCE = tuple(
    f"-D{layer}={1000 * seconds}"
    for layer, seconds in (
        ("maven.wagon.http.connectionTimeout", 10),
        ("maven.wagon.http.readTimeout", 60),
        ("maven.wagon.rto", 60),
        ("aether.connector.connectTimeout", 10),
        ("aether.connector.requestTimeout", 60),
    )
)
"""Milliseconds, by the names of Maven 3.8 and of later ones: without an answer it would wait for half an hour."""

REALM_FILE = Path(__file__).parents[3] / "docs/administrators/keycloak/realm.json"

_COPIED = ("bin", "conf", "data")
"""What a running Keycloak writes to, or finds its home by; the rest is shared."""


class MissingError(Exception):
    """Keycloak cannot run here; the text says what is missing."""


def prepared() -> Path:
    """Return the folder of a Keycloak that was started once with the realm. Raises MissingError."""
    _require_java()
    home = _home()
    if not home.is_dir():
        raise MissingError("Keycloak is not prepared. Run `.venv/bin/python -m tests.support.keycloak` first.")
    return home


def prepare() -> Path:
    """Fetch Keycloak from Maven Central, build and fill it, where that is not done yet. Raises MissingError."""
    _require_java()
    home, progress = _home(), open_progress()
    with _alone(home):
        if not home.is_dir():
            home.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=home.parent, prefix="keycloak-") as folder:
                unpacked = _unpack(_fetch(Path(folder), progress=progress), Path(folder))
                _fill(unpacked, progress=progress)
                unpacked.rename(home)
    return home


def lay_out(home: Path, folder: Path) -> Path:
    """Make a home for one run, with a database of its own."""
    for part in home.iterdir():
        if part.name in _COPIED:
            shutil.copytree(part, folder / part.name)
        else:
            (folder / part.name).symlink_to(part)
    return folder


def _home() -> Path:
    """Another realm or other options are another database and another build."""
    known = hashlib.sha256(repr((SHA256, OPTIONS)).encode() + REALM_FILE.read_bytes()).hexdigest()
    return default_cache_directory() / f"keycloak-{VERSION}-{known[:12]}"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    locks = home.parent / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / "keycloak").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _require_java() -> None:
    java = shutil.which("java")
    if java is None:
        raise MissingError("There is no Java for Keycloak. On Debian: apt-get install default-jre-headless maven")
    told = subprocess.run([java, "-version"], check=False, capture_output=True, text=True).stderr
    number = told.partition('"')[2].partition(".")[0]
    if not number.isdecimal() or int(number) < LEAST_JAVA:
        raise MissingError(f"Keycloak needs Java {LEAST_JAVA}; {java} is {number or 'of an unknown version'}.")


def _fetch(folder: Path, *, progress: Progress) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise MissingError("Keycloak comes from Maven Central, and there is no mvn. On Debian: apt-get install maven")
    progress.say(f"Fetching Keycloak {VERSION} (160 MB) from Maven Central.")
    repository = folder / "maven"
    words = [f"-Dmaven.repo.local={repository}", f"{PLUGIN}:get", f"-Dartifact={ARTIFACT}", "-Dtransitive=false"]
    done = subprocess.run(
        [maven, "--batch-mode", "--quiet", *PATIENCE, *words], check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise MissingError(f"mvn cannot fetch Keycloak:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    (archive,) = repository.glob("org/keycloak/**/*.zip")
    with archive.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise MissingError(f"What mvn fetched is not Keycloak {VERSION}: its SHA-256 is {found}.")
    return archive


def _unpack(archive: Path, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    unpacked = folder / f"keycloak-{VERSION}"
    (unpacked / "bin/kc.sh").chmod(0o755)
    return unpacked


def _fill(home: Path, *, progress: Progress) -> None:
    """Build it for our options and let it make its database, which takes most of the time of a first start."""
    progress.say("Building Keycloak and importing the realm; this takes half a minute.")
    imports = home / "data/import"
    imports.mkdir(parents=True)
    shutil.copy(REALM_FILE, imports / "lab-realm.json")
    with Launch(home, log=home / "first-start.log", environment=os.environ) as launch:
        try:
            launch.wait_ready()
        except AssertionError as e:
            raise MissingError(str(e)) from None
    shutil.rmtree(imports)
