"""The benchmarks' own arithmetic and table."""

from benchmarks import report, stats
from benchmarks.bench import Part, Row, both, buys, ms


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(n) for n in range(1, 101)]

    assert stats.percentile(values, 0.5) == 51
    assert stats.percentile(values, 0.99) == 100
    assert stats.percentile([7.0], 0.99) == 7
    assert stats.percentile([], 0.5) == 0


def test_the_spread_is_a_share_of_the_median() -> None:
    assert stats.spread([90.0, 100.0, 110.0]) == 0.2
    assert stats.spread([]) == 0


def test_short_times_show_a_tenth_of_a_millisecond() -> None:
    assert ms(4.26) == "4.3 ms"
    assert ms(1234.5) == "1234 ms"
    assert both((4.0, 120.0)) == "4.0 ms / 120 ms"


def test_every_webhook_gets_a_body_of_its_own() -> None:
    assert len(set(buys(100))) == 100


def test_the_table_says_which_budgets_were_met_and_missed() -> None:
    rows = [
        Row("one", "1 ms", "2 ms", "<= 3 ms", True),
        Row("two", "9 ms", budget="<= 3 ms", ok=False),
        Row("three", "5"),
    ]

    lines = report.table([Part("p", rows=rows)]).splitlines()

    assert lines[2].rstrip(" |").endswith("met")
    assert lines[3].rstrip(" |").endswith("MISSED")
    assert len({len(line) for line in lines}) == 1
