import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_sandbox.agent.addresses import AddressPool
from genkan_sandbox.exceptions import AddressError


def test_each_pod_has_an_address_of_its_own_and_keeps_it() -> None:
    pool = AddressPool("127.130")

    assert [pool.hold(uid) for uid in ("a", "b", "a")] == ["127.130.1.1", "127.130.1.2", "127.130.1.1"]


def test_an_address_is_not_given_out_again_at_once() -> None:
    pool = AddressPool("127.130")
    pool.hold("a")
    pool.release("a")

    assert pool.hold("b") == "127.130.1.2"
    pool.release("nobody")


def test_a_pod_takes_its_address_up_again_after_a_restart() -> None:
    pool = AddressPool("127.130")

    assert pool.hold("a", address="127.130.1.2") == "127.130.1.2"
    assert pool.hold("b", address="127.130.1.2") == "127.130.1.1"
    assert pool.hold("c") == "127.130.1.3"


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "127.131.1.1",
        "127.130.0.1",
        "127.130.255.1",
        "127.130.1.0",
        "127.130.1.255",
        "127.130.01.1",
        "127.130.1",
        "127.130.1.1.1",
        "127.130.1.1\n",
        "",
    ],
)
def test_an_address_that_is_not_the_sandboxes_is_not_taken_up(address: str) -> None:
    assert AddressPool("127.130").hold("a", address=address) == "127.130.1.1"


def test_when_all_addresses_are_held_there_is_a_sentence() -> None:
    pool = AddressPool("127.130")
    held = {pool.hold(str(number)) for number in range(254 * 254)}

    assert len(held) == 254 * 254
    with pytest.raises(AddressError, match=r"All 64516 addresses of 127\.130\.0\.0 are in use"):
        pool.hold("one more")
    pool.release("7")
    assert pool.hold("one more") == "127.130.1.8"


@given(st.lists(st.tuples(st.integers(0, 8), st.none() | st.integers(1, 5)), max_size=50))
def test_no_address_is_ever_held_twice(steps: list[tuple[int, int | None]]) -> None:
    pool = AddressPool("127.130")
    held: dict[str, str] = {}
    for pod, wish in steps:
        uid = str(pod)
        if uid in held:
            pool.release(uid)
            del held[uid]
        else:
            held[uid] = pool.hold(uid, address=None if wish is None else f"127.130.1.{wish}")
        assert len(set(held.values())) == len(held)
