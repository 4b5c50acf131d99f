"""A PostgreSQL of the test's own: Debian's programs, loopback, a folder that goes with it."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .sandbox import require

READY_SECONDS = 30
USER = "genkan"
NOBODY = 65534
"""PostgreSQL does not run as root."""

_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server that answers, with an empty database."""

    port: int
    password: str
    programs: Path

    @property
    def url(self) -> str:
        """The address of the database, as JupyterHub and SQLAlchemy write it."""
        return f"postgresql+psycopg://{USER}:{self.password}@127.0.0.1:{self.port}/{USER}"

    def psql(self, *arguments: str | Path) -> str:
        """Run psql and return what it prints, without adornments."""
        plainly = ("--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1")
        done = subprocess.run(
            [self.programs / "psql", *plainly, *arguments],
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables with which PostgreSQL's own programs find it."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": USER,
            "PGDATABASE": USER,
            "PGPASSWORD": self.password,
        }


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, and end it with everything that it wrote."""
    programs = _programs()
    # Not below pytest's folder, which only its owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="genkan-postgres-"))
    person, groups = (NOBODY, ()) if os.geteuid() == 0 else (None, None)
    try:
        password = secrets.token_hex(16)
        (folder / "password").write_text(password)
        if person is not None:
            for path in (folder, folder / "password"):
                os.chown(path, NOBODY, NOBODY)
        who = (f"--username={USER}", f"--pwfile={folder}/password", "--auth=scram-sha-256")
        what = (f"--pgdata={folder}/data", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        subprocess.run(
            [programs / "initdb", *who, *what],
            check=True,
            capture_output=True,
            cwd=folder,
            user=person,
            group=person,
            extra_groups=groups,
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options: list[str] = [
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            f"unix_socket_directories={folder}",
            "-c",
            "fsync=off",
        ]
        command = [str(programs / "postgres"), "-D", f"{folder}/data", "-p", str(port), *options]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, user=person, group=person, extra_groups=groups
            ) as server,
        ):
            try:
                postgres = Postgres(port, password, programs)
                _until_ready(postgres, server, folder / "log")
                subprocess.run(
                    [programs / "createdb", USER],
                    env={**os.environ, **postgres.environment},
                    check=True,
                    capture_output=True,
                )
                yield postgres
            finally:
                server.terminate()
                server.wait(READY_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    """Find Debian's newest, which are on no PATH, or others that are."""
    debian = sorted(_DEBIAN.glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    path = os.pathsep.join([*map(str, debian), os.environ.get("PATH", "")])
    found = shutil.which("initdb", path=path)
    if found is None:
        require("PostgreSQL is not installed. On Debian: apt-get install postgresql")
    return Path(found).parent


def _until_ready(postgres: Postgres, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", postgres.port), timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"PostgreSQL does not answer:\n{log.read_text(errors='replace')}")
