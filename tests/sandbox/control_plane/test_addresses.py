import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from genkan_sandbox.control_plane.addresses import SandboxAddress, choose_ports, claimed_address
from genkan_sandbox.exceptions import AddressError


@contextmanager
def listening(host: str, port: int = 0) -> Iterator[int]:
    with socket.socket() as server:
        server.bind((host, port))
        server.listen(1)
        yield server.getsockname()[1]


def test_two_claims_never_meet() -> None:
    with claimed_address(90) as first, claimed_address(90) as second:
        assert first.number == 90
        assert second.number != 90
        assert first.host != second.host
        assert first.pod_network != second.pod_network


def test_a_claim_ends() -> None:
    with claimed_address(91) as first:
        pass
    with claimed_address(91) as again:
        assert first == again


def test_pods_and_control_planes_have_no_address_in_common() -> None:
    hosts = {SandboxAddress(number).host.rsplit(".", 2)[0] for number in range(1, 100)}
    assert not hosts & {SandboxAddress(number).pod_network for number in range(1, 100)}


def test_a_taken_public_port_is_a_sentence_with_the_mend() -> None:
    address = SandboxAddress(92)
    with listening(address.host) as port, pytest.raises(AddressError, match=rf"Port {port} is taken.*--port"):
        choose_ports(address, public=port)


def test_an_address_where_somebody_has_the_public_port_is_passed_over() -> None:
    with listening(SandboxAddress(97).host) as port, claimed_address(97, public=port) as address:
        assert address.number != 97


def test_a_neighbour_who_listens_everywhere_is_a_sentence_with_the_mend() -> None:
    everywhere = "0.0.0.0"  # noqa: S104  # the neighbour is the test's point
    with (
        listening(everywhere) as port,
        pytest.raises(AddressError, match=rf"Port {port} is taken on every address.*--port"),
        claimed_address(98, public=port),
    ):
        pass


def test_a_port_of_the_administrator_is_not_called_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(self: socket.socket, place: tuple[str, int]) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with pytest.raises(AddressError, match=r"Port 80 is kept for the machine's administrator.*1024"):
        choose_ports(SandboxAddress(96), public=80)


def test_a_neighbour_on_an_inner_port_is_avoided() -> None:
    address = SandboxAddress(93)
    with listening(address.host, 8081):
        ports = choose_ports(address, public=8000)
    assert ports.hub != 8081
    assert ports.public == 8000


def test_the_ports_of_one_sandbox_differ_even_when_the_public_one_is_an_inner_one() -> None:
    ports = choose_ports(SandboxAddress(94), public=8081)
    assert len({ports.public, ports.api_server, ports.hub, ports.proxy_api}) == 4


def test_port_zero_is_any_free_one() -> None:
    assert choose_ports(SandboxAddress(95), public=0).public > 0
