"""All caption metrics of one set of candidates, with each image's own CIDEr."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from workbench.errors import UsageError
from workbench.evaluation.bleu import bleu
from workbench.evaluation.cider import CIDER_UPPER, cider_scores
from workbench.evaluation.meteor import meteor_exact_stem
from workbench.evaluation.ngrams import NgramCounts, Tokens, count_ngrams
from workbench.evaluation.ptb import tokenise_all
from workbench.evaluation.rouge import rouge_l_scores
from workbench.statistics.statistic import Floats, Statistic, mean_of

__all__ = ["CaptionScores", "cider_of", "score_captions", "score_tokens", "tokenise_pairs"]

_SPACE = re.compile(r"\s")


@dataclass(frozen=True)
class CaptionScores:
    """``statistics`` are bleu_1 to bleu_4, rouge_l, cider and meteor_exact_stem; ``cider`` is ``[n_images]``."""

    statistics: tuple[Statistic, ...]
    cider: Floats


def score_captions(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> CaptionScores:
    """Score one candidate caption per image against that image's references, tokenised as coco-caption does.

    An empty caption is scored as one without words. UsageError when there are no images, an image has no reference, or
    the numbers of candidates and images differ.
    """
    _check(candidates, references)
    return score_tokens(*tokenise_pairs(candidates, references))


def score_tokens(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> CaptionScores:
    """Score captions that are words already."""
    counts = _count(candidates, references)
    cider = cider_scores(counts)
    statistics = (
        *bleu(counts),
        mean_of("rouge_l", rouge_l_scores(candidates, references)),
        mean_of("cider", cider, upper=CIDER_UPPER),
        meteor_exact_stem(candidates, references),
    )
    return CaptionScores(statistics, cider)


def cider_of(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
    """Return each image's CIDEr alone, which takes a fraction of the time of all metrics; UsageError as above."""
    _check(candidates, references)
    return cider_scores(_count(*tokenise_pairs(candidates, references)))


def tokenise_pairs(
    candidates: Sequence[str], references: Sequence[Sequence[str]]
) -> tuple[list[Tokens], list[list[Tokens]]]:
    """Return the words of every caption; as in coco-caption all candidates are one text, and all references."""
    of_references = iter(tokenise_all([caption for captions in references for caption in captions]))
    return list(tokenise_all(candidates)), [list(islice(of_references, len(captions))) for captions in references]


def _count(candidates: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> NgramCounts:
    """Count n-grams of words; quirk: a token with a space in it is two for BLEU and CIDEr, and one for ROUGE-L."""
    return count_ngrams(list(map(_parted, candidates)), [list(map(_parted, group)) for group in references])


def _parted(tokens: Tokens) -> Tokens:
    return [part for token in tokens for part in token.split()] if any(map(_SPACE.search, tokens)) else tokens


def _check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    alone = sum(not captions for captions in references)
    if not candidates or len(candidates) != len(references) or alone:
        raise UsageError(
            expected="one candidate and at least one reference caption for each image",
            found=f"{len(candidates)} candidates for {len(references)} images, {alone} of them without a reference",
            remedy="check that both files list the same images",
        )
