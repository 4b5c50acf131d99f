"""A loopback address per pod, out of the 65,000 that a sandbox has for its own."""

from collections.abc import Iterator
from itertools import cycle

from genkan_sandbox.exceptions import AddressError

FIRST_BLOCK, LAST_BLOCK = 1, 254
"""Third numbers given to pods; 0 and 255 stay free for nodes and services."""


class AddressPool:
    """Addresses `127.X.y.z`, each held by at most one pod, the longest unused first.

    An address that was just given back is not given out again at once: a hub or proxy may still call the pod that had
    it.
    """

    def __init__(self, network: str) -> None:
        self.network = network
        self._holders: dict[str, str] = {}
        self._held: dict[str, str] = {}
        self._next = cycle(_suffixes())
        self._size = sum(1 for _ in _suffixes())

    def hold(self, uid: str, *, address: str | None = None) -> str:
        """Give a pod its address: the one it has, the one it had, or the next free one.

        An address from a status that is not of this network, or that another pod holds by now, is not taken up again.
        """
        if uid in self._held:
            return self._held[uid]
        if address is None or address in self._holders or not self._ours(address):
            address = self._free()
        self._holders[address] = uid
        self._held[uid] = address
        return address

    def release(self, uid: str) -> None:
        """Take a pod's address back, if it has one."""
        address = self._held.pop(uid, None)
        if address is not None:
            del self._holders[address]

    def _free(self) -> str:
        for _ in range(self._size):
            address = f"{self.network}.{next(self._next)}"
            if address not in self._holders:
                return address
        raise AddressError(f"All {self._size} addresses of {self.network}.0.0 are in use.", mend="End some pods.")

    def _ours(self, address: str) -> bool:
        prefix, _, suffix = address.rpartition(".")
        network, _, block = prefix.rpartition(".")
        numbers = [number for number in (block, suffix) if number.isascii() and number.isdigit()]
        return (
            network == self.network
            and len(numbers) == 2  # noqa: PLR2004  # y and z
            and FIRST_BLOCK <= int(block) <= LAST_BLOCK
            and f"{int(block)}.{int(suffix)}" == f"{block}.{suffix}"
            and 1 <= int(suffix) <= 254  # noqa: PLR2004  # 0 and 255 are no hosts
        )


def _suffixes() -> Iterator[str]:
    return (f"{y}.{z}" for y in range(FIRST_BLOCK, LAST_BLOCK + 1) for z in range(1, 255))
