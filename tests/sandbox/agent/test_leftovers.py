import asyncio
import os

import pytest

from genkan_sandbox.agent.leftovers import (
    CONTAINER_VARIABLE,
    SANDBOX_VARIABLE,
    kill_container_processes,
    marked_processes,
)

SANDBOX = f"leftovers-{os.getpid()}"


async def marked(*, container: str | None) -> asyncio.subprocess.Process:
    marks = {SANDBOX_VARIABLE: SANDBOX} | ({} if container is None else {CONTAINER_VARIABLE: container})
    return await asyncio.create_subprocess_exec("sleep", "600", env={**os.environ, **marks}, start_new_session=True)


def test_an_empty_id_never_stands_for_all_sandboxes() -> None:
    with pytest.raises(ValueError, match="without an id"):
        kill_container_processes("")
    with pytest.raises(ValueError, match="without an id"):
        next(marked_processes((SANDBOX_VARIABLE, ""), (CONTAINER_VARIABLE, "uid/one")))


async def test_only_the_containers_of_one_sandbox_are_killed() -> None:
    one, other = await marked(container="uid/one"), await marked(container="uid/other")
    component = await marked(container=None)
    try:
        assert set(marked_processes((SANDBOX_VARIABLE, SANDBOX))) == {one.pid, other.pid, component.pid}

        assert kill_container_processes(SANDBOX, container="uid/one") == 1
        assert await one.wait() == -9
        assert other.returncode is None

        assert kill_container_processes(SANDBOX) == 1
        assert await other.wait() == -9
        assert component.returncode is None
        assert kill_container_processes(f"{SANDBOX}-2") == 0
    finally:
        for process in (one, other, component):
            if process.returncode is None:
                process.kill()
                await process.wait()
