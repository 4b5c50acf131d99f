import pytest
from benchmarks.summaries import ENOUGH_FOR_P95, Summary, percentile
from hypothesis import given
from hypothesis import strategies as st

SAMPLES = st.lists(st.floats(min_value=0, max_value=1e6), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("samples", "percent", "expected"),
    [
        ([3.0], 95, 3.0),
        ([1.0, 2.0], 50, 1.5),
        ([4.0, 1.0, 3.0, 2.0], 0, 1.0),
        ([4.0, 1.0, 3.0, 2.0], 100, 4.0),
        ([float(number) for number in range(101)], 95, 95.0),
        ([float(number) for number in range(1, 21)], 95, 19.05),
    ],
)
def test_percentiles_lie_between_the_two_nearest_samples(samples: list[float], percent: float, expected: float) -> None:
    assert percentile(samples, percent) == pytest.approx(expected)


@given(SAMPLES, st.floats(min_value=0, max_value=100))
def test_no_percentile_lies_outside_of_the_samples(samples: list[float], percent: float) -> None:
    assert min(samples) <= percentile(samples, percent) <= max(samples) * (1 + 1e-9)


def test_a_summary_knows_the_middle_and_the_ends() -> None:
    assert Summary.of([2.0, 9.0, 4.0]) == Summary(count=3, median=4.0, p95=None, least=2.0, most=9.0)


@pytest.mark.parametrize(("count", "known"), [(ENOUGH_FOR_P95 - 1, False), (ENOUGH_FOR_P95, True)])
def test_a_95th_percentile_needs_enough_samples(count: int, known: bool) -> None:
    assert (Summary.of([1.0] * count).p95 is not None) is known
