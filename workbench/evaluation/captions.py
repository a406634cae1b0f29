"""All caption metrics of one set of candidates, with each image's own CIDEr."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.errors import UsageError
from workbench.evaluation.bleu import bleu
from workbench.evaluation.cider import CIDER_UPPER, cider_scores
from workbench.evaluation.meteor import meteor_exact_stem
from workbench.evaluation.ngrams import count_ngrams
from workbench.evaluation.ptb import tokenise
from workbench.evaluation.rouge import rouge_l_scores
from workbench.statistics.statistic import Floats, Statistic, mean_of

__all__ = ["CaptionScores", "cider_of", "score_captions"]


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
    candidate_tokens = [tokenise(caption) for caption in candidates]
    reference_tokens = [[tokenise(caption) for caption in captions] for captions in references]
    counts = count_ngrams(candidate_tokens, reference_tokens)
    cider = cider_scores(counts)
    statistics = (
        *bleu(counts),
        mean_of("rouge_l", rouge_l_scores(candidate_tokens, reference_tokens)),
        mean_of("cider", cider, upper=CIDER_UPPER),
        meteor_exact_stem(candidate_tokens, reference_tokens),
    )
    return CaptionScores(statistics, cider)


def cider_of(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> Floats:
    """Return each image's CIDEr alone, which takes a fraction of the time of all metrics; UsageError as above."""
    _check(candidates, references)
    return cider_scores(
        count_ngrams(list(map(tokenise, candidates)), [list(map(tokenise, captions)) for captions in references])
    )


def _check(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    alone = sum(not captions for captions in references)
    if not candidates or len(candidates) != len(references) or alone:
        raise UsageError(
            expected="one candidate and at least one reference caption for each image",
            found=f"{len(candidates)} candidates for {len(references)} images, {alone} of them without a reference",
            remedy="check that both files list the same images",
        )
