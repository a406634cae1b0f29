"""Caption metrics against pycocoevalcap, what the Java programs answered once, and published figures."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.rouge.rouge import Rouge

from workbench.errors import UsageError
from workbench.evaluation.captions import score_captions
from workbench.evaluation.cider import cider_scores, plain_cider_scores
from workbench.evaluation.meteor import meteor_exact_stem, meteor_of_sums
from workbench.evaluation.ngrams import count_ngrams
from workbench.evaluation.porter2 import stem
from workbench.evaluation.ptb import tokenise, tokenise_all

HERE = Path(__file__).parent
WORDS = ("a", "the", "man", "walks", "stands", "near", "red", "blue", "truck", "gate", "'s", "-lrb-", "two", "crossing")


def random_captions(seed: int, images: int, longest: int) -> tuple[list[str], list[list[str]]]:
    rng = random.Random(seed)

    def caption() -> str:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(0, longest)))

    return [caption() for _ in range(images)], [[caption() for _ in range(rng.randint(1, 5))] for _ in range(images)]


def scores(candidates: list[str], references: list[list[str]]) -> Mapping[str, float]:
    return {statistic.name: statistic.value for statistic in score_captions(candidates, references).statistics}


@pytest.mark.parametrize(("seed", "images", "longest"), [(0, 1, 6), (1, 2, 12), (2, 60, 4), (3, 90, 15)])
def test_bleu_rouge_and_cider_equal_the_reference_implementation(seed: int, images: int, longest: int) -> None:
    candidates, references = random_captions(seed, images, longest)
    truth = dict(enumerate(references))
    answers = {image: [caption] for image, caption in enumerate(candidates)}
    words = [caption.split() for caption in candidates], [[text.split() for text in group] for group in references]

    bleu, _ = Bleu(4).compute_score(truth, answers, verbose=0)
    rouge, _ = Rouge().compute_score(truth, answers)
    _, cider = Cider().compute_score(truth, answers)

    from_words = score_captions(candidates, references)
    mine = {statistic.name: statistic.value for statistic in from_words.statistics}
    assert [mine[f"bleu_{order}"] for order in (1, 2, 3, 4)] == pytest.approx(bleu, abs=1e-9)
    assert mine["rouge_l"] == pytest.approx(rouge, abs=1e-9)
    np.testing.assert_allclose(cider_scores(count_ngrams(*words)), cider, atol=1e-9)
    assert mine["cider"] == pytest.approx(np.mean(cider), abs=1e-9)


@pytest.mark.parametrize("name", ["nlg-eval", "clipscore"])
def test_published_figures(name: str) -> None:
    """Without Java: nlg-eval parts words at spaces, clipscore by the Penn Treebank; its CIDEr is CIDEr-D in both."""
    known = json.loads((HERE / "published_captions.json").read_text(encoding="utf-8"))[name]
    found = scores(known["candidates"], known["references"])
    figures = {figure: value for figure, value in known["figures"].items() if figure != "meteor"}
    assert {figure: round(found[figure], known["digits"]) for figure in figures} == figures


def test_tokens_equal_those_of_the_stanford_tokeniser() -> None:
    for known in json.loads((HERE / "ptb_tokens.json").read_text(encoding="utf-8")):
        assert tokenise(known["caption"]) == known["tokens"], known["caption"]


def test_captions_are_read_as_one_text() -> None:
    """What Stanford's tokeniser answers to these lines in one file."""
    lines = [
        "he has plan b.",
        "The man",
        "he has plan b.",
        "the man",
        "plan b.",
        "",
        "THE man",
        "in the U.S.",
        "The man",
    ]
    expected = [
        "he has plan b",
        "the man",
        "he has plan b.",
        "the man",
        "plan b",
        "",
        "the man",
        "in the u.s.",
        "the man",
    ]
    assert [" ".join(tokens) for tokens in tokenise_all(lines)] == expected


@pytest.mark.parametrize(
    ("caption", "within", "last"),
    [
        ("they're", "they 're", "they re"),
        ("we've", "we 've", "we ve"),
        ("a man I’ll", "a man i 'll", "a man i 'll"),
        ("the dog's", "the dog 's", "the dog 's"),
        ("so :)", "so :-rrb-", "so -rrb-"),
        (":P", ":p", "p"),
        ("in '90", "in '90", "in 90"),
        ("in the '90s", "in the '90s", "in the '90s"),
        ("plan b. The", "plan b the", "plan b. the"),
        ("they're ", "they 're", "they 're"),
    ],
)
def test_nothing_stands_behind_the_last_caption_of_all(caption: str, within: str, last: str) -> None:
    """What Stanford's tokeniser answers to a caption in the middle of a file, and at its end without a line break."""
    tokens = tokenise_all([caption, "x", caption])
    assert [" ".join(words) for words in (tokenise(caption), tokens[0], tokens[2])] == [within, within, last]


def test_a_sentence_may_begin_in_the_next_caption() -> None:
    lines = ["plan b.", "Mr. Smith", "plan b.", "<UNK> x", "plan É.", "x", "ca.", "5 men"]
    expected = ["plan b", "mr. smith", "plan b", "<unk> x", "plan é", "x", "ca.", "5 men"]
    assert [" ".join(tokens) for tokens in tokenise_all(lines)] == expected


def test_a_token_with_a_space_is_two_words_for_bleu_and_cider_and_one_for_rouge() -> None:
    assert tokenise("a cup with 1 1/2 spoons") == ["a", "cup", "with", "1\u00a01/2", "spoons"]
    found = scores(["1 1/2"], [["1 1/2 cups"]])
    assert found["bleu_2"] > 0.5
    assert found["rouge_l"] == pytest.approx(2.44 * 0.5 / (0.5 + 1.44))


def test_plain_cider_neither_clips_nor_minds_length() -> None:
    candidates, references = random_captions(4, 20, 8)
    words = [caption.split() for caption in candidates], [[text.split() for text in group] for group in references]
    np.testing.assert_allclose(plain_cider_scores(count_ngrams(*words)), _plain_cider(*words), atol=1e-9)


def _plain_cider(candidates: list[list[str]], references: list[list[list[str]]]) -> list[float]:
    """CIDEr straight from the paper's formulas."""

    def grams(words: list[str], order: int) -> Counter[tuple[str, ...]]:
        return Counter(tuple(words[at : at + order]) for at in range(len(words) - order + 1))

    seen = Counter(
        gram
        for group in references
        for gram in {g for words in group for order in (1, 2, 3, 4) for g in grams(words, order)}
    )

    def vector(words: list[str], order: int) -> dict[tuple[str, ...], float]:
        weights = {gram: np.log(len(references)) - np.log(max(1, seen[gram])) for gram in grams(words, order)}
        return {gram: count * weights[gram] for gram, count in grams(words, order).items()}

    def cosine(a: dict[tuple[str, ...], float], b: dict[tuple[str, ...], float]) -> float:
        norms = np.sqrt(sum(x * x for x in a.values())) * np.sqrt(sum(x * x for x in b.values()))
        return float(sum(value * b.get(gram, 0) for gram, value in a.items()) / norms) if norms else 0.0

    return [
        10 * float(np.mean([cosine(vector(said, n), vector(words, n)) for n in (1, 2, 3, 4) for words in group]))
        for said, group in zip(candidates, references, strict=True)
    ]


def test_stems_equal_those_of_meteor() -> None:
    known = json.loads((HERE / "porter2_stems.json").read_text(encoding="utf-8"))
    assert {word: stem(word) for word in known} == known


def test_meteor_equals_meteor_1_5_with_its_exact_and_stem_modules() -> None:
    known = json.loads((HERE / "meteor_scores.json").read_text(encoding="utf-8"))
    candidates = [segment["candidate"].split() for segment in known["segments"]]
    references = [[text.split() for text in segment["references"]] for segment in known["segments"]]
    statistic = meteor_exact_stem(candidates, references)
    np.testing.assert_allclose(meteor_of_sums(statistic.rows), [s["score"] for s in known["segments"]], atol=1e-9)
    assert statistic.value == pytest.approx(known["corpus"], abs=1e-9)


def test_a_perfect_caption_scores_1_and_an_empty_one_0() -> None:
    references = [["a man walks past the gate"], ["two trucks stand in the yard"]]
    perfect = scores([group[0] for group in references], references)
    assert perfect["bleu_4"] == pytest.approx(1)
    assert perfect["rouge_l"] == pytest.approx(1)
    assert perfect["meteor_exact_stem"] == pytest.approx(1)
    assert perfect["cider"] == pytest.approx(10)
    assert all(value < 1e-8 for value in scores(["", ""], references).values())


def test_one_image_alone_has_no_cider() -> None:
    found = scores(["a man walks"], [["a man walks"]])
    assert found["cider"] == 0
    assert found["bleu_1"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("candidates", "references"), [([], []), (["a"], []), (["a", "b"], [["a"], []])], ids=["none", "fewer", "alone"]
)
def test_captions_that_do_not_fit_their_references_are_refused(
    candidates: list[str], references: list[list[str]]
) -> None:
    with pytest.raises(UsageError, match="one candidate and at least one reference"):
        score_captions(candidates, references)
