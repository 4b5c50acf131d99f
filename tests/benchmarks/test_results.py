import json
from datetime import UTC, datetime

import pytest
from benchmarks.records import Conditions, Finding, MemoryReading, Outcome, Result, Results, Series, Table, Unit
from benchmarks.rendering import render, render_result
from pydantic import ValidationError

CONDITIONS = Conditions(
    started=datetime(2026, 11, 23, 6, 5, tzinfo=UTC),
    commit="0123456789",
    machine="2 cores of a processor, 8 GiB",
    versions={"Genkan": "0.1.0", "etcd": "3.6.16"},
    load_before=0.25,
    load_after=1.5,
    quick=False,
)
OUTCOME = Outcome(
    title="Starts",
    method="As everyone does it.",
    series=(
        Series(label="ready", unit=Unit.SECONDS, samples=(1.0, 2.5, 2.0)),
        Series(label="pods", unit=Unit.PODS_PER_SECOND, samples=tuple(float(number) for number in range(100, 121))),
    ),
    memory=(
        MemoryReading(situation="empty", components={"etcd": 50 * 2**20}),
        MemoryReading(situation="full", components={"etcd": 1500 * 2**20, "hub": 200 * 2**20}),
    ),
    findings=(Finding(label="Running", text="3 of 3"),),
    tables=(Table(title="Ends", head=("who", "told"), rows=(("all", "one | two\nlines"),)),),
)
SECTION = """\
## Starts

As everyone does it.

|  | samples | median | p95 | min | max |
| --- | ---: | ---: | ---: | ---: | ---: |
| ready | 3 | 2.00 s | - | 1.00 s | 2.50 s |
| pods | 21 | 110/s | 119/s | 100/s | 120/s |

|  | found |
| --- | ---: |
| Running | 3 of 3 |

| MiB | empty | full |
| --- | ---: | ---: |
| etcd | 50 | 1,500 |
| hub | - | 200 |
| together | 50 | 1,700 |

Ends

| who | told |
| --- | ---: |
| all | one \\| two lines |

*2026-11-23 06:05 UTC, commit 0123456789. 2 cores of a processor, 8 GiB; load average 0.2 before and 1.5 after. \
Genkan 0.1.0, etcd 3.6.16.*
"""


def result(name: str, *, commit: str = "0123456789", outcome: Outcome = OUTCOME) -> Result:
    return Result(name=name, outcome=outcome, conditions=CONDITIONS.model_copy(update={"commit": commit}))


def test_a_section_has_a_table_for_each_kind_of_figure_and_the_conditions() -> None:
    assert render_result(result("start")) == SECTION


def test_a_section_without_figures_has_no_tables() -> None:
    text = render_result(result("start", outcome=Outcome(title="Starts", method="Not at all.")))

    assert "|" not in text


def test_a_quick_run_says_so() -> None:
    quick = CONDITIONS.model_copy(update={"quick": True})

    assert "quick run" in render_result(Result(name="start", outcome=OUTCOME, conditions=quick))


def test_the_page_has_all_sections() -> None:
    page = render(Results(results=(result("lab"), result("start"))))

    assert page.startswith("# Results\n")
    assert page.count(SECTION) == 2


def test_a_result_takes_the_place_of_an_earlier_one_and_leaves_the_others() -> None:
    results = Results().with_result(result("start")).with_result(result("lab")).with_result(result("start", commit="f"))

    assert [(one.name, one.conditions.commit) for one in results.results] == [("lab", "0123456789"), ("start", "f")]


def test_results_are_read_back_as_they_were_written() -> None:
    results = Results(results=(result("start"),))

    assert Results.model_validate_json(results.model_dump_json(indent=1)) == results


def test_a_results_file_of_another_shape_is_refused() -> None:
    with pytest.raises(ValidationError, match="samples"):
        Results.model_validate_json(json.dumps({"samples": []}))
