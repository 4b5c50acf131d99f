"""`genkan quota plan` on a real cluster."""

import asyncio
import json
import sys

from genkan_sandbox.sites import load_site

from ..support.cluster import Cluster
from ..support.sandbox import SandboxRun


async def test_a_third_of_the_datacenter(sandbox: SandboxRun, cluster: Cluster) -> None:
    assert sandbox.ready is not None
    offered = load_site("datacenter").offered
    command = [sys.executable, "-c", "from genkan_hub.cli import main; main()", "quota", "plan", "vision", "language"]
    process = await asyncio.create_subprocess_exec(
        *command, "--share=1/3", "--json", f"--kubeconfig={sandbox.ready.kubeconfig}", stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()

    plan = json.loads(printed)
    assert {name: int(amount) for name, amount in plan["capacity"].items() if "/" in name} == offered
    hard = plan["quotas"]["vision"]["hard"]
    assert hard == plan["quotas"]["language"]["hard"]
    assert {name: int(hard[f"requests.{name}"]) for name in offered} == {
        name: count // 3 for name, count in offered.items()
    }
    await cluster.add_quota({name: amount for name, amount in hard.items() if name != "requests.cpu"})
