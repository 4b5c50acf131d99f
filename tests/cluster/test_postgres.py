"""The hub's database in PostgreSQL: a new one, and that of an older hub after its upgrade."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ..support.hub import Person
from ..support.postgres import Postgres, running_postgres
from ..support.sandbox import sandbox_run

OLDER = Path(__file__).with_name("databases") / "jupyterhub-5.5.0.sql"
TOKEN = "1206429730454f07b00a63dae9c76753"
"""Which alice made for herself on the older hub."""

SITE = """\
description: One machine.
pools: [{name: cpu, count: 1, cpu: 8, memory: 32Gi}]
namespaces: [{name: genkan, pod_security: restricted}]
users: [{name: alice}, {name: bob}, {name: carol, admin: true}]
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with running_postgres() as postgres:
        yield postgres


def jupyterhub(*arguments: str, config: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return subprocess.run(
        [sys.executable, "-m", "jupyterhub", *arguments, f"--config={config}"],
        cwd=config.parent,
        # JupyterHub looks for alembic on PATH.
        env={**os.environ, "CONFIGPROXY_AUTH_TOKEN": "x", "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def revision(postgres: Postgres) -> str:
    return postgres.psql("--command=select version_num from alembic_version")


async def test_a_hub_goes_on_with_the_database_of_an_older_one(
    binaries: None, postgres: Postgres, tmp_path: Path
) -> None:
    postgres.psql(f"--file={OLDER}")
    before = revision(postgres)
    config, site = tmp_path / "hub_config.py", tmp_path / "site.yaml"
    config.write_text(f"c.JupyterHub.db_url = {postgres.url!r}\nc.ConfigurableHTTPProxy.should_start = False\n")
    site.write_text(SITE)

    refused = jupyterhub(config=config)
    assert refused.returncode != 0
    assert "jupyterhub upgrade-db" in refused.stderr + refused.stdout
    assert revision(postgres) == before

    upgraded = jupyterhub("upgrade-db", config=config)
    assert upgraded.returncode == 0, upgraded.stderr
    assert revision(postgres) != before

    options = ["--simulate", "--site", str(site), "--hub-config", str(config)]
    with sandbox_run(tmp_path / "state", *options) as run:
        run.wait_ready()
        async with httpx.AsyncClient(headers={"Authorization": f"token {TOKEN}"}) as client:
            me = (await client.get(f"{run.url}hub/api/user")).json()
        assert (me["name"], me["groups"]) == ("alice", ["vision"])
        async with Person.visiting(run.url, run.user("alice")) as alice:
            await alice.start(profile="cpu-small")
            assert postgres.psql("--command=select count(*) from spawners where server_id is not null") == "1"
            await alice.stop()
        assert postgres.psql("--command=select name from users order by name").split() == [
            "alice",
            "bob",
            "carol",
            "zoe",
        ]
        assert not (run.state / "hub" / "jupyterhub.sqlite").exists()
