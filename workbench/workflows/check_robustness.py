"""How often a model chooses the right class when the same stills get worse."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from random import Random

from PIL import Image

from workbench.domain import LabelledFrame, Site
from workbench.evaluation.beside import Measurement
from workbench.evaluation.checks import Check
from workbench.evaluation.classification import class_accuracy
from workbench.evaluation.corruptions import CORRUPTIONS, LEVELS, corrupt
from workbench.evaluation.report import Assessment
from workbench.evaluation.robustness import CLEAN, condition_name
from workbench.footage.pictures import decode_image
from workbench.models.vlm import Vlm
from workbench.progress import Progress
from workbench.statistics.clusters import clusters_of
from workbench.workflows.checks import Finding

__all__ = ["Robustness"]

_MOST_FRAMES = 48
_SEED = 0


class Robustness:
    """Classes of at most 48 frames, drawn from all, under every corruption and level."""

    check = Check.ROBUSTNESS

    def __init__(self, rows: Sequence[LabelledFrame], site: Site, progress: Progress) -> None:
        drawn = sorted(Random(_SEED).sample(range(len(rows)), min(_MOST_FRAMES, len(rows))))
        self._rows = [rows[place] for place in drawn]
        self._site, self._progress = site, progress
        self._clusters = clusters_of([row.clip_id for row in self._rows], [row.taken_at for row in self._rows])

    @property
    def asked(self) -> int:
        return len(self._rows)

    def measure(self, vlm: Vlm, assessment: Assessment) -> Finding:
        images = [decode_image(row.image_jpeg) for row in self._rows]
        measured = [self._measured(vlm, images, CLEAN)]
        for name, level in (conditions := list(product(CORRUPTIONS, LEVELS))):
            self._progress(len(measured), len(conditions), f"ways to make stills worse tried on {vlm.version}")
            worse = [corrupt(image, name, level, seed=place) for place, image in enumerate(images)]
            measured.append(self._measured(vlm, worse, condition_name(name, level)))
        return measured, {}

    def _measured(self, vlm: Vlm, images: Sequence[Image.Image], condition: str) -> Measurement:
        names = self._site.class_names
        chosen = vlm.class_probabilities(images, names).argmax(axis=1)
        statistic = class_accuracy([row.class_name for row in self._rows], [names[place] for place in chosen])
        return Measurement(replace(statistic, name=condition), self._clusters)
