"""`python -m genkan_sandbox.agent`: all nodes of a sandbox in one process."""

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path

from genkan_sandbox.agent.addresses import AddressPool
from genkan_sandbox.agent.agent import Agent
from genkan_sandbox.agent.events import EventRecorder
from genkan_sandbox.agent.exporter import serving_measurements
from genkan_sandbox.agent.faults import FaultBoard
from genkan_sandbox.agent.file_limit import raise_file_limit
from genkan_sandbox.agent.host import HostView, private_directories
from genkan_sandbox.agent.images import ImageStore
from genkan_sandbox.agent.log_server import serving_logs
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.ownership import Owners
from genkan_sandbox.agent.persistent import PersistentVolumes
from genkan_sandbox.agent.records import Endpoint
from genkan_sandbox.agent.sandboxing import Isolation, detect_isolation, detect_owners
from genkan_sandbox.agent.volumes import VolumeStore
from genkan_sandbox.state import StateDirectory
from genkan_spawner.api import KubernetesApi

log = logging.getLogger("genkan_sandbox.agent")


def main() -> int:
    """Run the agent until it is told to end."""
    options = _parser().parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    # Each simulated server is one open file.
    asyncio.run(_run(options, open_files=raise_file_limit()))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m genkan_sandbox.agent", description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="how to reach the API server as administrator")
    parser.add_argument("--state", type=Path, required=True, help="the sandbox's state directory")
    parser.add_argument("--address", required=True, help="where the nodes show the API server logs")
    parser.add_argument("--port", type=int, required=True, help="the port of that")
    parser.add_argument("--exporter-port", type=int, required=True, help="where the nodes tell what their GPUs do")
    parser.add_argument("--pod-network", required=True, help="first two numbers of the pods' addresses, as 127.130")
    parser.add_argument(
        "--sandbox-id", type=_identity, required=True, help="the mark that all processes of the sandbox carry"
    )
    parser.add_argument("--simulate", action="store_true", help="run no processes: all pods turn Running at once")
    return parser


def _identity(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("it must not be empty")
    return text


async def _run(options: argparse.Namespace, *, open_files: int) -> None:
    state: Path = options.state.resolve()
    host = HostView.read(private=private_directories(state))
    isolation, reason = await detect_isolation(host)
    if isolation is Isolation.NONE:
        log.warning("Containers run without isolation. %s", reason)
    owners = Owners() if isolation is Isolation.NONE else await detect_owners(host)
    faults = FaultBoard()
    async with await KubernetesApi.connect(options.kubeconfig) as api:
        events = EventRecorder(api, silent=faults.silent)
        machine = Machine(
            api=api,
            sandbox=options.sandbox_id,
            state=state,
            host=host,
            isolation=isolation,
            endpoint=Endpoint(options.address, options.port),
            addresses=AddressPool(options.pod_network),
            events=events,
            faults=faults,
            images=ImageStore(faults=faults, events=events),
            volumes=VolumeStore(api, state, persistent=PersistentVolumes(api, state, faults=faults, owners=owners)),
            ledgers={},
            owners=owners,
            open_files=open_files,
        )
        agent = Agent(machine, simulate=options.simulate)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, agent.stop)
        log.info("The node agent runs; isolation: %s, users: %s.", isolation, "separate" if owners.separate else "one")
        async with (
            serving_logs(agent, machine, certificates=StateDirectory(state).certificates),
            serving_measurements(agent, machine, port=options.exporter_port),
        ):
            await agent.run(reason=reason)
    log.info("The node agent has ended.")


if __name__ == "__main__":
    sys.exit(main())
