"""Shares of a team and data sets, by the group of the user, and what a user may do with them."""

import asyncio
import errno
import os
import struct
from pathlib import Path

import httpx
import pytest

from genkan_spawner.api import KubernetesApi
from genkan_spawner.kinds import PODS

from ...support.sandbox import SandboxRun, require
from .site import ON_EXPORT, offer, visiting

LOOK = "import os, stat; found = os.stat({path!r}); print(oct(stat.S_IMODE(found.st_mode)), found.st_uid, found.st_gid)"


@pytest.fixture(scope="module", autouse=True)
async def _offered(run: SandboxRun) -> None:
    await offer(run, ON_EXPORT)


@pytest.fixture(scope="module")
def share(run: SandboxRun) -> Path:
    """The team's folder, in which files belong to the team and all of it may write to them."""
    folder = run.state / "exports" / "shares" / "vision"
    may_write_too(folder)
    return folder


@pytest.fixture(scope="module")
def images(run: SandboxRun) -> Path:
    """The folder of a data set."""
    folder = run.state / "exports" / "datasets" / "images"
    (folder / "labels.txt").write_text("cat dog")
    return folder


def may_write_too(folder: Path) -> None:
    """Do as `setfacl --default --modify=user::rwx,group::rwx,other::- FOLDER`."""
    version, user, group, other, nobody = 2, 0x01, 0x04, 0x20, 0xFFFFFFFF
    rows = [struct.pack("<HHI", tag, rights, nobody) for tag, rights in ((user, 7), (group, 7), (other, 0))]
    try:
        os.setxattr(folder, "system.posix_acl_default", struct.pack("<I", version) + b"".join(rows))
    except OSError as e:
        if e.errno != errno.ENOTSUP:
            raise
        require("The file system of the sandbox's state has no access control lists.")


async def test_a_share_is_read_and_written_by_all_of_its_team_and_a_data_set_is_only_read(
    run: SandboxRun, api: KubernetesApi, share: Path, images: Path
) -> None:
    async with visiting(run, "alice") as alice, visiting(run, "bob") as bob:
        await asyncio.gather(alice.start(profile="here", team="vision"), bob.start(profile="there", team="vision"))
        pods = await api.list(PODS, namespace="vision")
        assert sorted(pod["spec"]["nodeName"] for pod in pods) == ["a-0", "b-0"]
        assert {tuple(pod["spec"]["securityContext"]["supplementalGroups"]) for pod in pods} == {(3001,)}

        assert await alice.run("print(open('/share/plan.txt', 'w').write('one '))") == "4"
        assert await bob.run("print(open('/share/plan.txt').read(), end='')") == "one"
        assert await bob.run("print(open('/share/plan.txt', 'a').write('two'))") == "3"
        assert await alice.run("print(open('/share/plan.txt').read())") == "one two"
        assert await bob.run(LOOK.format(path="/share/plan.txt")) == "0o660 2001 3001"
        assert await bob.run("import os; os.mkdir('/share/of-bob'); print(3001 in os.getgroups())") == "True"
        assert await alice.run("print(open('/share/of-bob/note.txt', 'w').write('three'))") == "5"

        for person in (alice, bob):
            assert await person.run("print(open('/data/images/labels.txt').read())") == "cat dog"
            told = await person.run("open('/data/images/labels.txt', 'w')")
            assert told == "OSError: [Errno 30] Read-only file system: '/data/images/labels.txt'"
            assert "Read-only file system" in await person.run("import os; os.remove('/data/images/labels.txt')")
    assert (share / "plan.txt").read_text() == "one two"
    assert (images / "labels.txt").read_text() == "cat dog"


async def test_who_is_in_none_of_its_groups_has_neither_whatever_is_asked_for(
    run: SandboxRun, api: KubernetesApi, share: Path, images: Path
) -> None:
    async with visiting(run, "frank") as frank:
        for forged, words in (
            ({"team": "vision"}, "'vision' is not offered as team"),
            ({"volumes": "share"}, "'volumes' is nothing that can be chosen here"),
            ({"volume_mounts": "/share"}, "'volume_mounts' is nothing that can be chosen here"),
            ({"sub_path": "../vision"}, "'sub_path' is nothing that can be chosen here"),
        ):
            options = {"profile": "here", **forged}
            answer = await frank.api("POST", "users/frank/server", json={"user_options": options})
            assert answer.status_code == httpx.codes.BAD_REQUEST
            assert words in answer.json()["message"]
        await frank.start(profile="here")
        (pod,) = await api.list(PODS, namespace="language")
        sources = [row.get("persistentVolumeClaim") for row in pod["spec"]["volumes"]]
        assert [source["claimName"] for source in sources if source] == ["homes"]
        assert "supplementalGroups" not in pod["spec"]["securityContext"]
        assert await frank.run("import os; print(os.path.exists('/share'), os.path.exists('/data'))") == "False False"
        assert await frank.run("import os; print(3001 in os.getgroups())") == "False"
