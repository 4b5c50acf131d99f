"""A loopback address per pod, out of the 65,000 that a sandbox has for its own."""

import re

from genkan_sandbox.exceptions import AddressError

HOSTS = 254
"""Of the third number and of the fourth; 0 and 255 stay free."""

SIZE = HOSTS * HOSTS
"""Pods of one sandbox at a time."""

_SUFFIX = re.compile(r"\.([1-9][0-9]{0,2})\.([1-9][0-9]{0,2})")


class AddressPool:
    """Addresses `127.X.y.z`, each held by at most one pod, the longest unused first.

    An address that was just given back is not given out again at once: a hub or proxy may still call the pod that had
    it.
    """

    def __init__(self, network: str) -> None:
        self._network = network
        self._holders: dict[str, str] = {}
        self._held: dict[str, str] = {}
        self._next = 0

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
        for _ in range(SIZE):
            block, host = divmod(self._next, HOSTS)
            self._next = (self._next + 1) % SIZE
            address = f"{self._network}.{block + 1}.{host + 1}"
            if address not in self._holders:
                return address
        raise AddressError(f"All {SIZE} addresses of {self._network}.0.0 are in use.", mend="End some pods.")

    def _ours(self, address: str) -> bool:
        match = _SUFFIX.fullmatch(address.removeprefix(self._network))
        return match is not None and all(1 <= int(number) <= HOSTS for number in match.groups())
