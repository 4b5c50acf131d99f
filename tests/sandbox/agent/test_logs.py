import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.agent.faults import fault_entry
from genkan_sandbox.agent.log_server import serving_logs
from genkan_sandbox.agent.logs import NoLogError, file_of, last_lines, previous_log, put_aside
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.records import Endpoint, PodRecord
from genkan_sandbox.agent.status import ContainerState, ContainerView, Running, Terminated, Waiting
from genkan_sandbox.control_plane.addresses import SandboxAddress, choose_ports
from genkan_sandbox.control_plane.certificates import prepare_certificates

from ...support.fake_cluster import FakeCluster
from .machines import machine
from .manifests import container, pod_record

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
RUNNING = Running(MOMENT)
CURRENT = Path("notebook.log")
PREVIOUS = Path("notebook.previous.log")
PRESENT = "default/pod/notebook"


def ended(identity: str) -> Terminated:
    return Terminated(1, "Error", MOMENT, MOMENT, identity=identity)


def view(state: ContainerState, *, identity: str = "two", last: Terminated | None = None) -> ContainerView:
    return ContainerView("notebook", "image", identity, state, last)


FIRST = ended("one")
BACK_OFF = Waiting("CrashLoopBackOff")


@pytest.mark.parametrize(
    ("found", "shown", "before"),
    [
        (view(RUNNING, last=FIRST), CURRENT, PREVIOUS),
        (view(ended("two"), last=FIRST), CURRENT, PREVIOUS),
        # Between two runs the last one's output is not yet put aside, and just before the second it is.
        (view(BACK_OFF, identity="one", last=FIRST), CURRENT, CURRENT),
        (view(BACK_OFF, last=FIRST), PREVIOUS, PREVIOUS),
    ],
)
def test_the_log_is_that_of_the_run_that_the_status_names(found: ContainerView, shown: Path, before: Path) -> None:
    assert file_of(found, CURRENT, pod="pod", previous=False) == shown
    assert file_of(found, CURRENT, pod="pod", previous=True) == before


@pytest.mark.parametrize(
    ("state", "previous", "words"),
    [
        (RUNNING, True, 'previous terminated container "notebook" in pod "pod" not found'),
        (Waiting("ContainerCreating"), False, 'container "notebook" in pod "pod" is waiting to start: ContainerCreat'),
        (Waiting("ErrImagePull"), False, "is waiting to start: image can't be pulled"),
        (Waiting("ImagePullBackOff"), False, "is waiting to start: trying and failing to pull image"),
    ],
)
def test_a_container_without_such_a_log_says_so_in_the_kubelets_words(
    state: ContainerState, previous: bool, words: str
) -> None:
    with pytest.raises(NoLogError, match=words):
        file_of(view(state), CURRENT, pod="pod", previous=previous)


def test_output_is_put_aside_for_one_run(tmp_path: Path) -> None:
    log = tmp_path / "notebook.log"
    put_aside(log)
    for text in ("one", "two"):
        log.write_text(text)
        put_aside(log)
    assert not log.exists()
    assert previous_log(log).read_text() == "two"


@given(st.lists(st.text("ab\n", max_size=3)).map("".join), st.integers(0, 8))
def test_the_last_lines_are_those_of_the_text(text: str, lines: int) -> None:
    content = text.encode()
    found = content.splitlines(keepends=True)
    expected = b"".join(found[max(len(found) - lines, 0) :])
    assert content[last_lines(BytesIO(content), lines) :] == expected


def test_the_last_lines_of_a_long_log() -> None:
    content = b"x" * 100_000 + b"\n" + b"y" * 200_000 + b"\nz\n"
    assert content[last_lines(BytesIO(content), 2) :] == b"y" * 200_000 + b"\nz\n"


@dataclass
class Node:
    """A node's pods, as far as logs need them, and a client with the API server's certificate."""

    machine: Machine
    certificates: Path
    pods: list[PodRecord] = field(default_factory=lambda: [pod_record(containers=[container()])])
    views: dict[str, ContainerView] = field(default_factory=dict)

    def pod(self, namespace: str, name: str) -> PodRecord | None:
        return next((pod for pod in self.pods if (pod.namespace, pod.name) == (namespace, name)), None)

    def view(self, pod: PodRecord, container: str) -> ContainerView | None:  # noqa: ARG002  # they have but one
        return self.views.get(pod.name)

    @property
    def log(self) -> Path:
        log = self.machine.log_file(namespace="default", pod="pod", uid="uid-pod", container="notebook")
        log.parent.mkdir(parents=True, exist_ok=True)
        return log

    @property
    def url(self) -> str:
        return f"https://{self.machine.endpoint.address}:{self.machine.endpoint.port}"

    def trust(self, certificate: str | None = "apiserver-client") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificates / "ca.crt"))
        if certificate is not None:
            context.load_cert_chain(self.certificates / f"{certificate}.crt", self.certificates / f"{certificate}.key")
        return context

    async def get(self, path: str = PRESENT, **query: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{self.url}/containerLogs/{path}", params=query, ssl=self.trust()) as answer,
        ):
            return answer.status, await answer.text()


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    address = SandboxAddress(99)
    certificates = tmp_path / "certs"
    certificates.mkdir()
    prepare_certificates(certificates, host=address.host)
    endpoint = Endpoint(address.host, choose_ports(address, public=0).nodes)
    made = Node(machine(FakeCluster(), tmp_path, endpoint=endpoint), certificates)
    async with serving_logs(made, made.machine, certificates=certificates):
        yield made


async def test_a_log_and_its_last_lines(node: Node) -> None:
    node.views["pod"] = view(RUNNING, last=FIRST)
    node.log.write_text("one\ntwo\nthree\n")
    previous_log(node.log).write_text("before\n")
    assert await node.get() == (200, "one\ntwo\nthree\n")
    assert await node.get(tailLines="2") == (200, "two\nthree\n")
    assert await node.get(tailLines="2", limitBytes="5") == (200, "two\nt")
    assert await node.get(tailLines="0") == (200, "")
    assert await node.get(previous="true", tailLines="1") == (200, "before\n")


async def test_a_long_log_comes_whole(node: Node) -> None:
    text = "line\n" * 100_000
    node.log.write_text(text)
    assert await node.get() == (200, text)
    assert await node.get(limitBytes="70000") == (200, text[:70000])


async def test_a_log_is_followed_to_the_runs_end(node: Node) -> None:
    node.views["pod"] = view(RUNNING)
    node.log.write_text("one\n")
    url = f"{node.url}/containerLogs/{PRESENT}"
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as client,
        client.get(url, params={"follow": "true"}, ssl=node.trust()) as answer,
    ):
        assert await answer.content.readline() == b"one\n"
        with node.log.open("a") as log:
            log.write("two\n")
        assert await answer.content.readline() == b"two\n"
        put_aside(node.log)
        node.views["pod"] = view(RUNNING, identity="three", last=ended("two"))
        assert await answer.content.read() == b""


async def test_a_simulated_pod_has_said_nothing(node: Node) -> None:
    assert await node.get() == (200, "")
    assert await node.get(follow="true") == (200, "")
    status, said = await node.get(previous="true")
    assert (status, said) == (400, 'previous terminated container "notebook" in pod "pod" not found')


async def test_what_an_earlier_agent_ran_can_still_be_read(node: Node) -> None:
    node.log.write_text("now\n")
    previous_log(node.log).write_text("before\n")
    assert await node.get() == (200, "now\n")
    assert await node.get(previous="true") == (200, "before\n")


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("default/nobody/notebook", 404, 'pod "nobody" does not exist'),
        ("elsewhere/pod/notebook", 404, 'pod "pod" does not exist'),
        ("default/pod/other", 404, 'container "other" not found in pod "pod"'),
        ("default/pod/..%2Fnotebook", 404, 'container "../notebook" not found in pod "pod"'),
        (f"{PRESENT}?tailLines=-1", 400, "wrong here: tailLines."),
        (f"{PRESENT}?timestamps=true&sinceSeconds=1", 400, "wrong here: sinceSeconds, timestamps."),
    ],
)
async def test_what_cannot_be_shown_is_refused(node: Node, path: str, status: int, words: str) -> None:
    node.log.write_text("one\n")
    found, said = await node.get(path)
    assert found == status
    assert words in said


async def test_a_container_that_waits_has_no_log(node: Node) -> None:
    node.views["pod"] = view(Waiting("PodInitializing"))
    status, said = await node.get()
    assert (status, said) == (400, 'container "notebook" in pod "pod" is waiting to start: PodInitializing')


async def test_a_silent_node_shows_nothing(node: Node) -> None:
    node.machine.faults.post(fault_entry("silent-node", node="a-0"))
    assert (await node.get())[0] == 503


async def test_there_is_nothing_else_of_a_kubelet(node: Node) -> None:
    async with aiohttp.ClientSession() as client:
        for method, path in (("POST", f"exec/{PRESENT}"), ("GET", "pods"), ("POST", f"containerLogs/{PRESENT}")):
            async with client.request(method, f"{node.url}/{path}", ssl=node.trust()) as answer:
                assert answer.status in {404, 405}


@pytest.mark.parametrize("certificate", [None, "nodes", "apiserver"])
async def test_nobody_but_the_api_server_is_shown_a_log(node: Node, certificate: str | None) -> None:
    node.log.write_text("private\n")
    url = f"{node.url}/containerLogs/{PRESENT}"
    with pytest.raises(aiohttp.ClientError):
        async with aiohttp.ClientSession() as client, client.get(url, ssl=node.trust(certificate)) as answer:
            await answer.read()
