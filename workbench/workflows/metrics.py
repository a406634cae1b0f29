"""Measure files that people bring: captions, answers to questions, similarities. Needs no site and no model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.errors import ServiceError
from workbench.evaluation.caption_files import load_caption_pairs
from workbench.evaluation.captions import score_tokens, tokenise_pairs
from workbench.evaluation.meteor_java import full_meteor, meteor_program
from workbench.evaluation.retrieval import ranks_of_right, retrieval_statistics
from workbench.evaluation.similarity_file import load_similarity
from workbench.evaluation.spice_java import spice, spice_program
from workbench.evaluation.vqa import vqa_accuracy
from workbench.evaluation.vqa_files import load_vqa_pairs

__all__ = ["Figures", "measure_captions", "measure_retrieval", "measure_vqa"]

_FEW_PEOPLE = 4


@dataclass(frozen=True)
class Figures:
    """What came out of ``rows`` rows; ``remarks`` say what a reader must know to not be misled."""

    values: Mapping[str, float | None]
    rows: int
    remarks: tuple[str, ...] = ()


def measure_captions(references: Path, candidates: Path) -> Figures:
    """Return every caption metric of one candidate per image.

    ``meteor`` (full METEOR 1.5) and ``spice`` are None where Java or their programs are missing.
    UsageError when a file does not fit its layout or the two do not fit each other.
    """
    pairs = load_caption_pairs(references, candidates)
    candidate_words, reference_words = tokenise_pairs(pairs.candidates, pairs.references)
    scores = score_tokens(candidate_words, reference_words)
    values: dict[str, float | None] = {statistic.name: statistic.value for statistic in scores.statistics}
    remarks = []
    empty = sum(not words for words in candidate_words)
    empty_references = sum(not words for group in reference_words for words in group)
    if empty or empty_references:
        remarks.append(f"{empty} candidates and {empty_references} references have no word, and count as empty.")
    if len(pairs.candidates) == 1:
        remarks.append("CIDEr of one image alone is 0 by its definition: it weighs words by how few images have them.")
    for name, program, measure in (("meteor", meteor_program(), full_meteor), ("spice", spice_program(), spice)):
        values[name] = None
        if program is not None:
            try:
                values[name] = measure(candidate_words, reference_words, program)
            except ServiceError as error:
                remarks.append(f"{name} is not available. {error}")
    return Figures(values, len(pairs.candidates), tuple(remarks))


def measure_vqa(answers: Path, predictions: Path) -> Figures:
    """Return the VQA challenge's accuracy in percent; UsageError as above."""
    pairs = load_vqa_pairs(answers, predictions)
    few = sum(len(given) < _FEW_PEOPLE for given in pairs.answers)
    remark = f"{few} questions have fewer than {_FEW_PEOPLE} answers: no prediction can be fully right about them."
    accuracy = 100 * vqa_accuracy(pairs.predictions, pairs.answers).value
    return Figures({"accuracy": accuracy}, len(pairs.answers), (remark,) if few else ())


def measure_retrieval(similarity: Path) -> tuple[Figures, Figures]:
    """Return recall and mean reciprocal rank, shares from 0 to 1: of texts for images, and of images for texts."""
    matrix = load_similarity(similarity)
    pairs = len(matrix)
    remarks = (f"Among {pairs} everything is found within the first 10.",) if pairs <= 10 else ()
    right = [[pair] for pair in range(pairs)]
    texts, images = (
        Figures(
            {one.name: one.value for one in retrieval_statistics(ranks_of_right(np.ascontiguousarray(way), right))},
            pairs,
            remarks,
        )
        for way in (matrix, matrix.T)
    )
    return texts, images
