"""The schedule of faults: drawn from a seed, at its distances, fair to all."""

from collections import Counter

import pytest

from tests.chaos.nemesis import VICTIMS, schedule


def test_a_seed_draws_the_same_schedule_again_and_another_seed_another() -> None:
    assert schedule(7, kills=30, gap=8) == schedule(7, kills=30, gap=8)
    assert schedule(7, kills=30, gap=8) != schedule(8, kills=30, gap=8)


@pytest.mark.parametrize("seed", range(20))
def test_kills_keep_their_distance_and_take_everybody_in_turn(seed: int) -> None:
    kills = [each for each in schedule(seed, kills=24, gap=8) if each.kind == "kill"]

    assert [each.at - kills[0].at for each in kills] == [8 * n for n in range(24)]
    assert Counter(each.victim for each in kills) == dict.fromkeys(VICTIMS, 3)


@pytest.mark.parametrize("seed", range(20))
def test_what_lasts_is_over_before_long(seed: int) -> None:
    faults = schedule(seed, kills=24, gap=8, longest=3)

    assert all(each.seconds <= 3 for each in faults)
    assert faults == sorted(faults, key=lambda each: each.at)
