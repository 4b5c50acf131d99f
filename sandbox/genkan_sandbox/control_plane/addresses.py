"""Each sandbox has loopback addresses of its own, so that several run side by side."""

import contextlib
import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from genkan_sandbox.exceptions import AddressError

NUMBERS = range(1, 100)
"""Of sandboxes on one machine; number N has 127.77.N.1 for itself and 127.(128+N).0.0/16 for pods."""

_CLAIM_PORT = 16442


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts of one sandbox listen, all on its own address but `pod`, which is on each pod's."""

    public: int
    api_server: int
    hub: int
    proxy_api: int
    nodes: int
    cluster_page: int
    exporter: int
    """Where the node agent tells what the GPUs do."""
    pod: int


@dataclass(frozen=True, slots=True)
class SandboxAddress:
    """The addresses of one sandbox."""

    number: int

    @property
    def host(self) -> str:
        """Where the control plane, the hub and the proxy listen."""
        return f"127.77.{self.number}.1"

    @property
    def pod_network(self) -> str:
        """The first half of every pod's address."""
        return f"127.{128 + self.number}"


@contextlib.contextmanager
def claimed_address(preferred: int | None = None, *, public: int = 0) -> Iterator[SandboxAddress]:
    """Hold an address that no other sandbox of any user has; a bound socket is the claim and ends with the process.

    One where somebody listens on the public port, what a killed sandbox of another state has left for example, is
    passed over.
    """
    port_taken = False
    for number in sorted(NUMBERS, key=lambda number: number != preferred):
        address = SandboxAddress(number)
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind((address.host, _CLAIM_PORT))
            claim.listen(1)
        except OSError as e:
            claim.close()
            if e.errno == errno.EADDRNOTAVAIL:
                raise AddressError(
                    f"This machine has no address {address.host}.",
                    mend="The sandbox needs Linux, where the whole of 127.0.0.0/8 is the machine itself.",
                ) from e
            continue
        refusal = _refusal(address.host, public) if public else None
        if refusal is not None and refusal.errno == errno.EADDRINUSE:
            claim.close()
            port_taken = True
            continue
        with claim:
            yield address
            return
    if port_taken:
        raise AddressError(
            f"Port {public} is taken on every address that a sandbox may have.",
            mend="Name another one: --port PORT, or `make up PORT=...`.",
        )
    raise AddressError(
        f"All {len(NUMBERS)} addresses for sandboxes are taken, or port {_CLAIM_PORT} is in use on every address.",
        mend="Stop a sandbox with `genkan-sandbox down`.",
    )


def choose_ports(address: SandboxAddress, *, public: int) -> Ports:
    """Take the usual ports, and others where a neighbour holds them; the public one is the user's word."""
    if public and (refusal := _refusal(address.host, public)):
        if refusal.errno == errno.EACCES:
            raise AddressError(
                f"Port {public} is kept for the machine's administrator.",
                mend="Name one from 1024 on: --port PORT, or `make up PORT=...`.",
            )
        raise AddressError(
            f"Port {public} is taken on {address.host}.", mend="Name another one: --port PORT, or `make up PORT=...`."
        )
    taken = {public}
    chosen: list[int] = []
    for host, usual in (
        (address.host, 16443),
        (address.host, 8081),
        (address.host, 8001),
        (address.host, 10250),
        (address.host, 8085),
        (address.host, 9400),
        (f"{address.pod_network}.0.1", 8888),
    ):
        port = usual if usual not in taken and _refusal(host, usual) is None else _any_free(host)
        taken.add(port)
        chosen.append(port)
    return Ports(public or _any_free(address.host), *chosen)


def _refusal(host: str, port: int) -> OSError | None:
    """Return why no server could listen there; a neighbour on 0.0.0.0 blocks a port on every address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as e:
            return e
    return None


def _any_free(host: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
    return port
