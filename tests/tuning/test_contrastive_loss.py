"""What is no mistake is not learnt as one: equal captions, near-copies, and frames of one class."""

import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from workbench.models.ranking import first_ranks, rank_search
from workbench.tuning.pair_loss import clip_loss, negative_weights, siglip_loss
from workbench.tuning.pairs import same_words

ONES = torch.ones(3, 3)
NONE = torch.zeros(3, 3, dtype=torch.bool)


@pytest.fixture
def logits() -> torch.Tensor:
    return torch.randn(3, 3, generator=torch.Generator().manual_seed(0))


def test_pairs_that_all_differ_are_judged_as_the_papers_do(logits: torch.Tensor) -> None:
    pairs, places = torch.eye(3, dtype=torch.bool), torch.arange(3)
    both = (functional.cross_entropy(logits, places) + functional.cross_entropy(logits.T, places)) / 2
    torch.testing.assert_close(clip_loss(logits, pairs, ONES), both)
    signs = 2 * torch.eye(3) - 1
    torch.testing.assert_close(siglip_loss(logits, pairs, ONES), -functional.logsigmoid(signs * logits).sum() / 3)


def test_images_of_one_caption_share_it() -> None:
    matches = torch.tensor([[True, False], [True, False], [False, True]])
    perfect = torch.where(matches, 50.0, 0.0)
    assert clip_loss(perfect, matches, torch.ones(3, 2)) == pytest.approx(math.log(2) / 4)  # two images for one text
    assert siglip_loss(perfect - 25, matches, torch.ones(3, 2)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("loss", [clip_loss, siglip_loss])
def test_a_pair_without_weight_is_out_of_the_loss(loss, logits: torch.Tensor) -> None:
    pairs = torch.eye(3, dtype=torch.bool)
    weights = ONES.clone()
    weights[0, 1] = weights[1, 0] = 0
    shifted = logits.clone()
    shifted[0, 1] = shifted[1, 0] = 30.0
    torch.testing.assert_close(loss(shifted, pairs, weights), loss(logits, pairs, weights))
    assert loss(shifted, pairs, ONES) > loss(logits, pairs, ONES) + 5
    weights[2, 0] = 0.5
    assert loss(logits, pairs, weights) < loss(logits, pairs, ONES)


def test_a_batch_of_one_has_a_finite_loss_and_gradient() -> None:
    one = torch.tensor([[3.0]], requires_grad=True)
    match = torch.ones(1, 1, dtype=torch.bool)
    assert clip_loss(one, match, torch.zeros(1, 1)) == 0
    (clip_loss(one, match, torch.zeros(1, 1)) + siglip_loss(one, match, torch.zeros(1, 1))).backward()
    assert torch.isfinite(one.grad).all()


def test_masked_pairs_leave_finite_gradients(logits: torch.Tensor) -> None:
    logits.requires_grad_()
    clip_loss(logits, torch.eye(3, dtype=torch.bool), torch.zeros(3, 3)).backward()
    assert torch.isfinite(logits.grad).all()


def test_the_caption_of_a_frame_that_looks_the_same_is_not_wrong() -> None:
    matches = torch.tensor([[1, 0], [0, 1], [0, 1]]).bool()  # frames 1 and 2 have the second caption
    alike = NONE.clone()
    alike[0, 1] = alike[1, 0] = True
    same_class = alike.clone()
    same_class[0, 2] = same_class[2, 0] = True
    weights = negative_weights(matches, alike, same_class, same_class_negatives=0.25)
    assert weights[0, 1] == 0
    assert weights[1, 0] == 0
    assert weights[2, 0] == 0.25
    assert negative_weights(matches, NONE, NONE, same_class_negatives=0.25).eq(1).all()


def test_captions_that_differ_in_spelling_alone_say_the_same() -> None:
    assert same_words("The bay is  clear.") == same_words("the bay is clear")
    assert same_words("The bay is clear.") != same_words("The bay is not clear.")


def test_ranks_are_those_of_brute_force_and_ties_find_nothing() -> None:
    rng = np.random.default_rng(0)
    similarity, right = rng.normal(size=(40, 30)), rng.random((40, 30)) < 0.1
    right[:, 0] = True
    for row, rank in enumerate(first_ranks(similarity, right)):
        order = np.argsort(-similarity[row])
        assert rank == 1 + int(np.flatnonzero(right[row][order])[0])
    assert first_ranks(np.zeros((2, 5)), np.eye(2, 5, dtype=bool)).tolist() == [5, 5]


def test_a_text_is_found_by_any_frame_of_its_caption() -> None:
    images = np.array([[1, 0], [0.9, 0.1], [0, 1]], dtype=np.float32)
    captions = np.array([[0, 1], [1, 0]], dtype=np.float32)
    found = rank_search(images, captions, captions, caption_of=np.array([1, 0, 0]), class_of=np.array([1, 1, 0]))
    assert found.text_to_image.tolist() == [1, 1, 1]
    assert found.image_to_text.tolist() == [1, 2, 1]
    assert found.is_class_right.tolist() == [True, True, True]
    figures = found.figures()
    assert figures["image_to_text_recall_at_1"].mean() == pytest.approx(2 / 3)
    assert figures["image_to_text_mrr"].mean() == pytest.approx(5 / 6)
