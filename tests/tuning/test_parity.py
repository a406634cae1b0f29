"""How far two forms of a model are apart, and when that is too far: pure functions."""

from dataclasses import replace

import numpy as np
import pytest

from workbench.errors import ModelError
from workbench.tuning.export_card import export_card
from workbench.tuning.parity import Answers, compare, require_parity, spread

ADAPTER = Answers("adapter", np.log([[0.9, 0.1], [0.4, 0.6]]), ("A van.", "Nobody."), np.log(np.array([0.8, 0.5])))


def test_the_same_answers_are_nowhere_apart() -> None:
    found = compare(ADAPTER, replace(ADAPTER, form="merged"))
    assert (found.form, found.largest, found.log_likelihood, found.frames) == ("merged", 0, 0, 2)
    assert (found.other_classes, found.other_captions) == (0, 0)
    require_parity([found], 1e-9)


def test_what_is_farthest_counts_and_other_answers_are_counted() -> None:
    other = replace(
        ADAPTER, form="reloaded", log_likelihoods=np.log([[0.9, 0.1], [0.7, 0.3]]), captions=("A van.", "A man.")
    )
    found = compare(ADAPTER, other)
    assert (found.class_probability, found.log_likelihood) == pytest.approx((0.3, np.log(2)))
    assert (found.other_classes, found.other_captions) == (1, 1)
    with pytest.raises(
        ModelError, match=r"the reloaded model to answer 2 probe frames .* 0\.02, .* difference of 0\.3,"
    ):
        require_parity([compare(ADAPTER, ADAPTER), found], 0.02)
    require_parity([found], 0.31)


def test_captions_that_became_unlikely_are_refused_though_classes_stay() -> None:
    found = compare(ADAPTER, replace(ADAPTER, form="merged", reference_captions=np.log(np.array([0.8, 0.4]))))
    assert (found.class_probability, found.largest) == pytest.approx((0, 0.1))
    with pytest.raises(ModelError, match="the merged model"):
        require_parity([found], 0.02)


@pytest.mark.parametrize("broken", ["log_likelihoods", "reference_captions"])
def test_answers_that_are_no_numbers_are_refused(broken: str) -> None:
    nowhere = np.full_like(getattr(ADAPTER, broken), np.nan)
    with pytest.raises(ModelError, match="a difference of nan"):
        require_parity([compare(ADAPTER, replace(ADAPTER, **{broken: nowhere}))], 0.02)


def test_probes_are_spread_over_the_ids_in_whatever_order_they_come() -> None:
    ids = [f"{number:02}" for number in range(10)]
    assert [ids[place] for place in spread(ids, 4)] == ["00", "03", "06", "09"]
    assert [ids[::-1][place] for place in spread(ids[::-1], 4)] == ["00", "03", "06", "09"]
    assert spread(ids[:3], 16) == [0, 1, 2]


def test_the_card_tells_lineage_parity_and_how_to_load() -> None:
    found = [compare(ADAPTER, replace(ADAPTER, form="merged"))]
    lineage = {"site": "dock", "run": "0123456789abcdef", "dataset version": "feed"}
    card = export_card(lineage, found, 0.02, class_names=("clear", "van"), merged_as="bfloat16")
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert "# dock: merged weights of run 0123456789ab\n" in card
    assert "| dataset version | feed |" in card
    assert "| merged | 0 | 0 | 0 | 0 | 0 |" in card
    assert "`vllm serve this-folder --dtype bfloat16`" in card
    assert "library_name: peft" in export_card(lineage, found, 0.02, class_names=("clear",), merged_as=None)
