"""The plan of a run is decided before it starts, by the seed alone."""

from collections import Counter

import pytest

from workbench.tuning.sampling import plan_draws

NAMES = ["clear"] * 12 + ["truck"] * 4


def drawn(balance: float, draws: int = 160) -> Counter[str]:
    plan = plan_draws(NAMES, draws=draws, class_balance=balance, seed=0)
    return Counter(NAMES[draw.index] for draw in plan)


def test_without_balance_every_frame_is_seen_once_an_epoch() -> None:
    plan = plan_draws(NAMES, draws=40, class_balance=0, seed=3)
    for epoch in (0, 1):
        assert sorted(draw.index for draw in plan if draw.epoch == epoch) == list(range(16))
    assert len(plan) == 40


@pytest.mark.parametrize(("balance", "clear"), [(0.0, 120), (1.0, 80)])
def test_balance_draws_classes_in_proportion(balance: float, clear: int) -> None:
    assert abs(drawn(balance)["clear"] - clear) <= 2


def test_between_them_is_the_geometric_middle() -> None:
    counts = drawn(0.5)
    assert counts["clear"] / counts["truck"] == pytest.approx(3**0.5, rel=0.1)


def test_a_plan_is_a_function_of_the_seed_and_a_shorter_one_is_its_beginning() -> None:
    plan = plan_draws(NAMES, draws=50, class_balance=0.7, seed=1)
    assert plan == plan_draws(NAMES, draws=50, class_balance=0.7, seed=1)
    assert plan[:20] == plan_draws(NAMES, draws=20, class_balance=0.7, seed=1)
    assert plan != plan_draws(NAMES, draws=50, class_balance=0.7, seed=2)
