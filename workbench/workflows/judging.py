"""A judge's opinion of captions: another model that scores them by a rubric, and how far it agrees with people."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

import numpy as np
import yaml
from PIL.Image import Image

from workbench.domain import Contest, LabelledFrame
from workbench.errors import UsageError
from workbench.evaluation.beside import Beside, Measurement, beside
from workbench.evaluation.checks import Check, CheckResult
from workbench.evaluation.judge_report import (
    JudgeReport,
    agreement_with_people,
    length_controlled_difference,
    report_on_judge,
)
from workbench.evaluation.judging import (
    CAPTION_RUBRIC,
    Judgement,
    JudgeQuestion,
    Rubric,
    judge_all,
    judge_prompt,
)
from workbench.evaluation.report import Assessment
from workbench.footage.pictures import decode_image
from workbench.models.instructions import CAPTION_INSTRUCTION
from workbench.progress import Progress
from workbench.statistics.clusters import clusters_of
from workbench.statistics.statistic import mean_of
from workbench.workflows.site_models import base_source
from workbench.workflows.workspace import Workspace

__all__ = ["CaptionJudge", "open_judge", "read_rubric"]

_MOST_FRAMES = 48
_MAX_NEW_TOKENS = 300
_AT_ONCE = 16
_HIGHEST_SCORE = 5.0
_SEED = 0


class Answering(Protocol):
    def answer(
        self, images: Sequence[Image], instructions: Sequence[str], *, max_new_tokens: int
    ) -> Sequence[str | None]: ...


def open_judge(workspace: Workspace, name: str) -> Answering:
    """Return a recipe's base model, or the endpoint at ``http://HOST:PORT/v1#MODEL``; ServiceError if that is away."""
    if name.startswith(("http://", "https://")):
        from workbench.models.endpoint import open_endpoint

        endpoint = open_endpoint(name, key=workspace.settings.judge_key.get_secret_value())
        endpoint.require()
        return endpoint
    from workbench.models.vlm import load_vlm
    from workbench.recipe_file import load_recipe
    from workbench.tuning.tuner import loading_arguments

    recipe = load_recipe(Path(name))
    return load_vlm(**loading_arguments(recipe.base, base_source(workspace, recipe.base)))


def read_rubric(path: Path) -> Rubric:
    """Read ``criteria`` and five ``descriptions``, from score 1 to 5, from a YAML file."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as exc:
        raise _no_rubric(path, str(exc).splitlines()[0]) from exc
    match content:
        case {"criteria": str(criteria), "descriptions": [str(), str(), str(), str(), str()] as descriptions}:
            return Rubric(criteria, tuple(descriptions))
        case {"criteria": _, "descriptions": list(descriptions)}:
            raise _no_rubric(path, f"{len(descriptions)} descriptions, or something that is no text")
    raise _no_rubric(path, "something else")


def _no_rubric(path: Path, found: str) -> UsageError:
    return UsageError(
        expected=f"a rubric in {path}: a text as criteria, and a list of descriptions of the scores 1 to 5",
        found=found,
        remedy="write both, as docs/evaluation.md shows",
    )


@dataclass(frozen=True, eq=False)
class CaptionJudge:
    """Judges the captions of at most 48 frames, drawn from ``rows``, each asked with the scores in both orders."""

    workspace: Workspace
    judge: Answering
    rows: Sequence[LabelledFrame]
    progress: Progress
    rubric: Rubric = CAPTION_RUBRIC

    def result(self, own: Assessment, baseline: Assessment | None, contest: Contest | None) -> CheckResult:
        """Return the scores of a model beside its base's; ``contest`` is where people may have compared the two."""
        places = sorted(Random(_SEED).sample(range(len(self.rows)), min(_MOST_FRAMES, len(self.rows))))
        opinions = [self._opinion(one, places) for one in (own, baseline) if one is not None]
        counts = _counted(opinions[0].report)
        if len(opinions) == 2:
            counts |= {f"base_{name}": count for name, count in _counted(opinions[1].report).items()}
            counts |= _between(*opinions)
        if contest is not None and len(opinions) == 2:
            counts |= self._agreement(contest, *opinions)
        figures: tuple[Beside, ...] = ()
        if all(one.is_readable for one in opinions):
            first, *others = [[one.measurement] for one in opinions]
            figures = beside(first, others[0] if others else None)
        return CheckResult(Check.JUDGE, len(places), figures, counts)

    def _opinion(self, assessment: Assessment, places: Sequence[int]) -> "_Opinion":
        rows = [self.rows[place] for place in places]
        said = assessment.answers.captions
        questions = [
            JudgeQuestion(row.frame_id, CAPTION_INSTRUCTION, said[place], row.caption, self.rubric)
            for place, row in zip(places, rows, strict=True)
        ]
        images = {row.frame_id: row.image_jpeg for row in rows}
        return _Opinion(assessment, rows, questions, judge_all(lambda some: self._said(some, images), questions))

    def _said(self, questions: Sequence[JudgeQuestion], jpegs: Mapping[str, bytes]) -> list[str | None]:
        said: list[str | None] = []
        for start in range(0, len(questions), _AT_ONCE):
            self.progress(start, len(questions), "captions judged")
            some = questions[start : start + _AT_ONCE]
            images = [decode_image(jpegs[question.frame_id]) for question in some]
            said += self.judge.answer(images, list(map(judge_prompt, some)), max_new_tokens=_MAX_NEW_TOKENS)
        return said

    def _agreement(self, contest: Contest, own: "_Opinion", base: "_Opinion") -> dict[str, float | None]:
        """Return how far the judge prefers whom people preferred who compared the two blind."""
        people: defaultdict[str, list[int]] = defaultdict(list)
        for one in self.workspace.store.comparisons.of(contest):
            sides = {own.assessment.answers.model_version: 1, base.assessment.answers.model_version: -1}
            people[one.frame_id].append(sides.get(one.preferred or "", 0))
        judged = own.preferred_to(base)
        both = [(judged[frame_id], said) for frame_id, every in people.items() if frame_id in judged for said in every]
        if not both:
            return {"people": 0}
        found = agreement_with_people(*([_AS_SCORE[side] for side in column] for column in zip(*both, strict=True)))
        return {"people": found.n, "kappa": found.kappa}


@dataclass(frozen=True, eq=False)
class _Opinion:
    """What the judge made of one model's captions."""

    assessment: Assessment
    rows: Sequence[LabelledFrame]
    questions: Sequence[JudgeQuestion]
    judgements: Sequence[Judgement]

    @property
    def report(self) -> JudgeReport:
        return report_on_judge(self.questions, self.judgements)

    @property
    def scores(self) -> list[float | None]:
        return [one.score for one in self.judgements]

    @property
    def is_readable(self) -> bool:
        return any(score is not None for score in self.scores)

    @property
    def measurement(self) -> Measurement:
        scores = np.array([score or 0.0 for score in self.scores])
        judged = np.array([score is not None for score in self.scores], dtype=np.float64)
        clusters = clusters_of([row.clip_id for row in self.rows], [row.taken_at for row in self.rows])
        return Measurement(mean_of("score", scores, weights=judged, upper=_HIGHEST_SCORE), clusters)

    def preferred_to(self, other: "_Opinion") -> dict[str, int]:
        """Return by frame 1 where this model's score is higher, -1 where the other's is, 0 where they are alike."""
        return {
            question.frame_id: int(np.sign(one - another))
            for question, one, another in zip(self.questions, self.scores, other.scores, strict=True)
            if one is not None and another is not None
        }


_AS_SCORE = {-1: 1, 0: 3, 1: 5}
"""A preference as a score, which is what agreement is told of."""


def _counted(report: JudgeReport) -> dict[str, float | None]:
    told: dict[str, Any] = vars(report)
    return {name: told[name] for name in ("asked", "unparseable", "unjudged", "order_changes", "length_correlation")}


def _between(own: _Opinion, base: _Opinion) -> dict[str, float | None]:
    pairs = [
        (one - another, len(question.response.split()) - len(other.response.split()))
        for question, other, one, another in zip(own.questions, base.questions, own.scores, base.scores, strict=True)
        if one is not None and another is not None
    ]
    if not pairs:
        return {"difference_at_equal_length": None}
    differences, extra_words = np.array(pairs, dtype=np.float64).T
    return {"difference_at_equal_length": length_controlled_difference(differences, extra_words)}
