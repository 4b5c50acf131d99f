from genkan_sandbox.agent.backoff import Backoff


def test_delays_double_up_to_the_longest_and_begin_again() -> None:
    backoff = Backoff(10, 300)

    assert [backoff.delay() for _ in range(7)] == [10, 20, 40, 80, 160, 300, 300]
    backoff.reset()
    assert backoff.delay() == 10
