"""A model put to the test: what it says about labelled frames, scored beside the base that it was tuned from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from workbench.datasets import ManifestRow, StoredRows
from workbench.domain import Interval, Site, Split
from workbench.evaluation import Answers, Assessment, assess, compare
from workbench.footage.pictures import decode_image
from workbench.models.opinions import Opinion, form_opinions
from workbench.models.vlm import Vlm
from workbench.progress import Progress
from workbench.workflows.measured import GOLDEN, measured, stored_answers
from workbench.workflows.predict import load_site_model
from workbench.workflows.spreading import spread
from workbench.workflows.workspace import Workspace

__all__ = ["Exam", "Sitting"]

_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Exam:
    """The frames of one ``part`` (a split, or the golden set) of what has the id ``set_id``, to be put to a model."""

    workspace: Workspace
    site: Site
    part: str
    set_id: str
    rows: StoredRows
    progress: Progress

    @property
    def manifest_rows(self) -> Sequence[ManifestRow]:
        return self.rows.rows

    def sit(self, vlm: Vlm, model: str) -> "Sitting":
        """Measure ``model``, which is loaded, and the base that it was tuned from, which need not be asked twice."""
        own = self._assess(self._ask(vlm, model, is_base=False))
        with vlm.without_adapter() as base:
            baseline = self._assess(self._remembered(base) or self._ask(base, model, is_base=True)) if base else None
        return Sitting(self, own, baseline, compare(own, baseline) if baseline else {})

    def _assess(self, answers: Answers) -> Assessment:
        split = Split.TEST if self.part == GOLDEN else Split(self.part)
        return assess(self.rows, answers, dataset_id=self.set_id, split=split)

    def _ask(self, vlm: Vlm, model: str, *, is_base: bool) -> Answers:
        """Return the model's answers; class answers are chosen among the site's classes by likelihood."""
        names, what = self.site.class_names, f"frames answered by {vlm.version}"
        formed: list[Opinion] = []
        for opinion in spread(
            self.workspace,
            (row.image_jpeg for row in self.rows),
            here=partial(_opinions, vlm, names),
            there=partial(_Answerer, site=self.site, model=model, is_base=is_base),
            at_once=_AT_ONCE,
        ):
            formed.append(opinion)
            self.progress(len(formed), len(self.rows), what)
        probabilities = np.array([one.probabilities for one in formed]).reshape(-1, len(names))
        return Answers(vlm.version, names, probabilities, tuple(one.caption or "" for one in formed))

    def _remembered(self, vlm: Vlm) -> Answers | None:
        """Return what ``vlm`` said when it was measured on these frames before, asked in the same way."""
        for one in measured(self.workspace, self.site.name):
            is_same = (one.model_version, one.manner) == (vlm.version, vlm.manner)
            if is_same and (one.part, one.set_id) == (self.part, self.set_id):
                stored = stored_answers(self.workspace, one)
                is_of_rows = stored.frame_ids == tuple(row.frame_id for row in self.rows)
                if is_of_rows and stored.answers.class_names == self.site.class_names:
                    return stored.answers
        return None


@dataclass(frozen=True, eq=False)
class Sitting:
    """What came out when a model sat an exam; ``differences`` are paired, its own figures minus the base's."""

    exam: Exam
    own: Assessment
    base: Assessment | None
    differences: Mapping[str, Interval]


class _Answerer:
    """The model on a machine of the cluster, or its base there."""

    def __init__(self, workspace: Workspace, *, site: Site, model: str, is_base: bool) -> None:
        self._vlm = load_site_model(workspace, site.name, model)
        self._site, self._is_base = site, is_base

    def __call__(self, jpegs: Sequence[bytes]) -> list[Opinion]:
        if not self._is_base:
            return _opinions(self._vlm, self._site.class_names, jpegs)
        with self._vlm.without_adapter() as base:
            return _opinions(base or self._vlm, self._site.class_names, jpegs)


def _opinions(vlm: Vlm, class_names: Sequence[str], jpegs: Sequence[bytes]) -> list[Opinion]:
    return form_opinions(vlm, [decode_image(jpeg) for jpeg in jpegs], class_names, captions=True)
