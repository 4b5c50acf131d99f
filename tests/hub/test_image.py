"""The Dockerfile of the hub's image, as far as it can be seen without building; tests/images says how images are."""

import re

import pytest

from ..project.checkout import ROOT, project_table

DOCKERFILE = ROOT / "hub" / "Dockerfile"
TEXT = DOCKERFILE.read_text()


def test_it_keeps_what_the_chart_relies_on() -> None:
    """The user of the chart's security context, the folder of its volume, and a process that reaps."""
    last = [line for line in TEXT.splitlines() if line][-5:]

    assert last == [
        "WORKDIR /srv/jupyterhub",
        "USER 1000:1000",
        "EXPOSE 8081",
        'ENTRYPOINT ["tini", "-g", "--"]',
        'CMD ["jupyterhub", "--config=/usr/local/etc/jupyterhub/jupyterhub_config.py"]',
    ]


def test_everything_is_installed_by_hash() -> None:
    installs = [line for line in TEXT.splitlines() if "pip install" in line]

    assert installs
    assert [
        line for line in installs if "--require-hashes" not in line and "--no-deps --no-build-isolation" not in line
    ] == []


def test_it_keeps_to_what_buildah_of_debian_12_reads() -> None:
    assert re.findall(r"<<|COPY --link|ADD --checksum|^# syntax", TEXT, re.MULTILINE) == []


def test_the_base_comes_from_where_the_site_says() -> None:
    assert re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE) == ["${BASE_IMAGE}", "base", "base"]


@pytest.mark.parametrize(
    "name", ["pycurl", "psycopg", "psycopg-binary", "jupyterhub-idle-culler", "oauthenticator", "hatchling"]
)
def test_the_lock_has_what_the_chart_uses_and_what_builds_genkan(name: str) -> None:
    assert re.search(rf"^{name}(\[[a-z,]+\])?==", (ROOT / "requirements" / "hub.txt").read_text(), re.MULTILINE)


def test_the_context_has_what_a_wheel_is_made_of() -> None:
    """And the rest of a checkout, with its history and environments, stays out."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    table = project_table()["tool"]["hatch"]["build"]["targets"]
    needed = {
        *(path.partition("/")[0] for path in table["wheel"]["packages"]),
        *(path.partition("/")[0] for path in table["wheel"]["force-include"]),
        project_table()["project"]["readme"],
        *project_table()["project"]["license-files"],
        "pyproject.toml",
    }

    assert ignored[1] == "*"
    assert needed <= {line.removeprefix("!") for line in ignored if line.startswith("!")}
