import asyncio
import sys

from genkan_sandbox.agent.file_limit import limited

SCRIPT = """
import resource
from genkan_sandbox.agent.file_limit import raise_file_limit
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
print(raise_file_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


async def test_the_former_limit_is_remembered() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", SCRIPT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()

    assert said.split() == [b"200", b"300", b"300"]


def test_without_a_limit_nothing_comes_before_a_command() -> None:
    assert limited(None) == []
