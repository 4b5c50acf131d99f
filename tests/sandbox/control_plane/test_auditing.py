from pathlib import Path

from genkan_sandbox.binaries import Binaries
from genkan_sandbox.control_plane.addresses import Ports, SandboxAddress
from genkan_sandbox.control_plane.auditing import audit_flags, audit_policy
from genkan_sandbox.control_plane.components import api_server
from genkan_sandbox.state import StateDirectory

PROGRAM = Path("/programs/program")
BINARIES = Binaries(PROGRAM, PROGRAM, PROGRAM, PROGRAM, proxy=("proxy",), provenance=())
PORTS = Ports(public=1, api_server=2, hub=3, proxy_api=4, nodes=5, cluster_page=6, exporter=7, pod=8)


def command(state: StateDirectory, *, policy: Path | None) -> tuple[str, ...]:
    return api_server(BINARIES, state, address=SandboxAddress(1), ports=PORTS, audit_policy=policy).command


def test_a_policy_makes_the_api_server_log_requests_and_nothing_else_does(tmp_path: Path) -> None:
    state = StateDirectory.open(tmp_path / "state")
    policy = tmp_path / "policy.json"

    added = set(command(state, policy=policy)) - set(command(state, policy=None))

    assert added == set(audit_flags(policy=policy, log=state.logs / "audit.log"))


def test_what_requests_contain_is_not_logged() -> None:
    assert {rule["level"] for rule in audit_policy()["rules"]} == {"Metadata"}
