"""Objects that are not there: in captions (CHAIR), and where a model is asked for them (POPE)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.domain import LabelledFrame, Site
from workbench.errors import UsageError
from workbench.evaluation.beside import Measurement
from workbench.evaluation.chair import chair
from workbench.evaluation.checks import Check
from workbench.evaluation.object_words import COMMON_OBJECTS, ObjectWords
from workbench.evaluation.pope import Probe, ProbeKind, make_probes, score_probes
from workbench.evaluation.report import Assessment
from workbench.footage.pictures import decode_image
from workbench.models.instructions import yes_no_instruction
from workbench.models.vlm import Vlm
from workbench.progress import Progress
from workbench.statistics.clusters import clusters_of
from workbench.workflows.checks import Finding
from workbench.workflows.workspace import Workspace

__all__ = ["Mentions", "Probes", "object_words", "probes_of"]

_PROBED_FRAMES = 96
_MAX_NEW_TOKENS = 8
_AT_ONCE = 64


def object_words(workspace: Workspace, site: Site) -> ObjectWords:
    """Return the words for objects that the site's taxonomy gives, or else those of its boxes and of most sites."""
    taxonomy = workspace.store.sites.taxonomy(site.name)
    return ObjectWords.of(taxonomy.objects or {**dict.fromkeys(taxonomy.boxes, ()), **COMMON_OBJECTS})


@dataclass(frozen=True, eq=False)
class Mentions:
    """CHAIR of the captions that were given; what is there is what people's captions and boxes name."""

    rows: Sequence[LabelledFrame]
    words: ObjectWords
    check = Check.MENTIONS

    @property
    def asked(self) -> int:
        return len(self.rows)

    def measure(self, vlm: Vlm, assessment: Assessment) -> Finding:
        scores = chair(assessment.answers.captions, [_objects_in(row, self.words) for row in self.rows], self.words)
        measured = [Measurement(statistic, assessment.clusters) for statistic in scores.statistics]
        return measured, {"mentions": scores.mentions}


class Probes:
    """POPE: frames spread over all are asked for objects that are there and as many that are not."""

    check = Check.PROBES

    def __init__(self, rows: Sequence[LabelledFrame], words: ObjectWords, progress: Progress) -> None:
        every = range(0, len(rows), max(1, len(rows) // _PROBED_FRAMES))
        self._rows = {row.frame_id: row for row in (rows[place] for place in every)}
        self._progress = progress
        present = {frame_id: _objects_in(row, words) for frame_id, row in self._rows.items()}
        self._probes = {kind: make_probes(present, kind, per_frame=2) for kind in ProbeKind}

    @property
    def asked(self) -> int:
        return sum(map(len, self._probes.values()))

    def measure(self, vlm: Vlm, assessment: Assessment) -> Finding:
        measured, counts = list[Measurement](), dict[str, float | None]()
        for kind, probes in self._probes.items():
            scores = score_probes(probes, self._answers(vlm, probes, f"{kind.value} objects asked for"))
            frames = [self._rows[probe.frame_id] for probe in probes]
            clusters = clusters_of([frame.clip_id for frame in frames], [frame.taken_at for frame in frames])
            for statistic in scores.statistics:
                name = f"{kind.value}/{statistic.name.removeprefix('pope_')}"
                measured.append(Measurement(replace(statistic, name=name), clusters))
            counts[f"{kind.value}/unreadable"] = scores.unparseable
        return measured, counts

    def _answers(self, vlm: Vlm, probes: Sequence[Probe], what: str) -> list[str]:
        said: list[str] = []
        for start in range(0, len(probes), _AT_ONCE):
            some = probes[start : start + _AT_ONCE]
            images = [decode_image(self._rows[probe.frame_id].image_jpeg) for probe in some]
            asked = [yes_no_instruction(probe.question) for probe in some]
            said += vlm.answer(images, asked, max_new_tokens=_MAX_NEW_TOKENS)
            self._progress(len(said), len(probes), what)
        return said


def probes_of(rows: Sequence[LabelledFrame], words: ObjectWords, progress: Progress) -> Probes | None:
    """Return the probes that can be made of ``rows``; None where people name no objects apart."""
    try:
        return Probes(rows, words, progress)
    except UsageError:
        return None


def _objects_in(row: LabelledFrame, words: ObjectWords) -> set[str]:
    labels = " . ".join(box.label for box in row.boxes)
    return {*words.mentions(row.caption), *words.mentions(labels)}
