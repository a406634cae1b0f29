"""What a sweep tries: all of a grid once, or Optuna's proposals within ranges, the same for the same seed."""

from collections import Counter

import pytest

from workbench.errors import RecipeError
from workbench.tuning.search import Search, parse_space


def asked(texts: list[str], *, trials: int | None = None, seed: int = 0) -> list[tuple[str, ...]]:
    search = Search(parse_space(texts), trials=trials, seed=seed)
    proposed = []
    for _ in range(search.trials):
        number, overrides = search.ask()
        proposed.append(tuple(overrides))
        search.tell(number, float(number))
    return proposed


def test_a_grid_is_walked_whole_and_once() -> None:
    tried = asked(["lora.r=4,8", "training.learning_rate=1e-3,5e-4", "lora.use_dora=true,false"])
    assert len(tried) == 8
    assert set(Counter(tried).values()) == {1}
    assert {override for one in tried for override in one} == {
        *("lora.r=4", "lora.r=8"),
        *("training.learning_rate=0.001", "training.learning_rate=0.0005"),
        *("lora.use_dora=true", "lora.use_dora=false"),
    }


def test_ranges_are_kept_and_a_seed_repeats_its_proposals() -> None:
    space = ["lora.r=4..64", "training.learning_rate=1e-5..1e-2:log", "training.optim=adamw_torch,adamw_bnb_8bit"]
    tried = asked(space, trials=12, seed=3)
    assert tried == asked(space, trials=12, seed=3) != asked(space, trials=12, seed=4)
    for rank, rate, optim in tried:
        assert 4 <= int(rank.removeprefix("lora.r=")) <= 64
        assert 1e-5 <= float(rate.removeprefix("training.learning_rate=")) <= 1e-2
        assert optim in ("training.optim=adamw_torch", "training.optim=adamw_bnb_8bit")


def test_a_failed_trial_does_not_stop_the_proposals() -> None:
    search = Search(parse_space(["lora.r=4..64"]), trials=3, seed=0)
    for score in (1.0, None, 2.0):
        number, _ = search.ask()
        search.tell(number, score)


def test_the_ends_and_choices_are_told_to_be_checked() -> None:
    space = parse_space(["lora.r=4..64", "lora.use_dora=true,false"])
    assert set(space.corners) == {"lora.r=4", "lora.r=64", "lora.use_dora=true", "lora.use_dora=false"}
    assert not space.is_grid


@pytest.mark.parametrize(
    "text",
    ["lora.r", "lora.r=", "lora.r=64..4", "lora.r=4..64:square", "lora.r=a..b", "r=0..1:log", "r=8,8", "r=1e-3,0.001"],
)
def test_what_is_neither_choices_nor_a_range_is_refused(text: str) -> None:
    with pytest.raises(RecipeError, match="choices such as"):
        parse_space([text])


def test_a_key_that_is_given_twice_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"each key of a sweep once, but found lora\.r twice"):
        parse_space(["lora.r=4,8", "lora.r=16"])


def test_a_long_text_is_tried_whole() -> None:
    prompt = "Say what stands at the bay " * 5 + "and nothing else."
    (only,) = asked([f"base.system_prompt={prompt}"])
    assert only == (f"base.system_prompt={prompt}",)
