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

WRITE = "print(open('/share/plan.txt', 'w').write('one'))"
CHANGE = """
import os
with open('/share/plan.txt', 'a+') as file:
    file.seek(0)
    read, _ = file.read(), file.write(' two')
found = os.stat('/share/plan.txt')
os.mkdir('/share/of-bob')
print(read, oct(found.st_mode & 0o7777), found.st_uid, found.st_gid, 3001 in os.getgroups())
"""
WRITE_BESIDE = "print(open('/share/of-bob/note.txt', 'w').write('three'))"
SPOIL = """
import os
path, told = '/data/images/labels.txt', []
for spoil in (lambda: open(path, 'w'), lambda: os.remove(path)):
    try:
        spoil()
    except OSError as error:
        told.append(error.strerror)
print(open(path).read(), *told)
"""


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

        assert await alice.run(WRITE) == "3"
        assert await bob.run(CHANGE) == "one 0o660 2001 3001 True"
        assert await alice.run(f"print(open('/share/plan.txt').read())\n{WRITE_BESIDE}") == "one two\n5"
        for person in (alice, bob):
            assert await person.run(SPOIL) == "cat dog Read-only file system Read-only file system"
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
        look = "import os; print(os.path.exists('/share'), os.path.exists('/data'), 3001 in os.getgroups())"
        assert await frank.run(look) == "False False False"
