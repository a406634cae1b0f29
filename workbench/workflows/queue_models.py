"""What the site's model and its challenger make of stills, and which answers the model contradicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workbench.datasets import load_manifest
from workbench.domain import CandidateState, LookAgain, QueueRules, SettledAnswer, Signal, Site, Split
from workbench.errors import WorkbenchError
from workbench.footage.diversity import farthest_points
from workbench.labeling import reasons
from workbench.labeling.calibration import calibrated, fit_temperature
from workbench.labeling.signals import Floats
from workbench.progress import Progress
from workbench.store import KeptOpinion
from workbench.workflows.answers import settled_answers
from workbench.workflows.opinions import OpinionKeeper
from workbench.workflows.predict import load_site_model
from workbench.workflows.queue_evidence import Evidence, by_disagreement, by_uncertainty
from workbench.workflows.queue_stills import Stills
from workbench.workflows.run_kinds import TUNE
from workbench.workflows.site_models import champion_of
from workbench.workflows.workspace import Workspace

__all__ = ["Judgement", "QueueModels"]

_LEAST_DOUBT = 0.5
_LEAST_RIGHT = 0.7
"""A model that is right less often than this about what people have said is no reason to doubt them."""
_MOST_LOOKED_AT_AGAIN = 20


@dataclass(frozen=True, eq=False)
class Judgement:
    """``embeddings`` ``[stills, width]`` are the model's own, as are those of what was asked about."""

    model_version: str
    embeddings: Floats
    asked_embeddings: Floats
    asked_cameras: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    look_again: tuple[LookAgain, ...]
    looked_at: int


class QueueModels:
    """The models of one site; ``notes`` say what could not be had of them."""

    def __init__(self, workspace: Workspace, site: Site, rules: QueueRules, progress: Progress) -> None:
        self._workspace, self._site, self._rules, self._progress = workspace, site, rules, progress
        self.notes: list[str] = []

    def judge(self, stills: Stills, asked: Stills) -> Judgement:
        """Look at ``stills``, and at as many of those ``asked`` about, which differ most, as may be looked at."""
        asked = asked.of(farthest_points(asked.embeddings, self._rules.look_at))
        wants_captions = Signal.UNCERTAINTY in self._rules.signals
        ours = self._current.of(stills.ids, captions=wants_captions, progress=self._progress)
        of_asked = self._current.of(asked.ids, captions=False, progress=self._progress)
        settled = settled_answers(self._workspace.store, self._site.name)
        temperature = self._temperature(asked, of_asked, settled)
        probabilities = calibrated(self._probabilities(ours), temperature)
        evidence: list[Evidence] = []
        if wants_captions:
            evidence.append(by_uncertainty(ours, probabilities, self._site.class_names))
        if Signal.DISAGREEMENT in self._rules.signals:
            evidence += self._disagreement(stills, probabilities)
        return Judgement(
            model_version=self._current.model_version,
            embeddings=_embeddings(ours),
            asked_embeddings=_embeddings(of_asked),
            asked_cameras=tuple(asked.cameras),
            evidence=tuple(evidence),
            look_again=self._look_again(asked, calibrated(self._probabilities(of_asked), temperature), settled),
            looked_at=len(stills),
        )

    @cached_property
    def _current(self) -> OpinionKeeper:
        return OpinionKeeper(self._workspace, self._site, load_site_model(self._workspace, self._site.name))

    def _temperature(
        self, asked: Stills, opinions: Sequence[KeptOpinion], settled: Mapping[str, SettledAnswer]
    ) -> float:
        """Fit to answers that the model was not trained on: of those that it knows by heart it is too sure."""
        learnt, names = self._learnt(), self._site.class_names
        rows = [
            row
            for row, frame in enumerate(asked.frames)
            if frame.id in settled and frame.id not in learnt and settled[frame.id].answer.class_name in names
        ]
        said = [names.index(settled[asked.frames[row].id].answer.class_name) for row in rows]
        return fit_temperature(self._probabilities([opinions[row] for row in rows]), np.array(said, np.int64))

    def _learnt(self) -> set[str]:
        champion = champion_of(self._workspace, self._site.name)
        if champion is None:
            return set()
        manifest = load_manifest(self._workspace.store.datasets.get(champion.dataset_id))
        return {row.frame_id for row in manifest.of(Split.TRAIN)}

    def _disagreement(self, stills: Stills, probabilities: Floats) -> list[Evidence]:
        run_id = self._challenger()
        if run_id is None:
            self.notes.append("No challenger yet: disagreement is left out.")
            return []
        try:
            vlm = load_site_model(self._workspace, self._site.name, run_id)
        except WorkbenchError as error:
            self.notes.append(
                f"Disagreement is left out, as the challenger, run {run_id[:10]}, cannot be asked. {error}"
            )
            return []
        theirs = OpinionKeeper(self._workspace, self._site, vlm).of(stills.ids, captions=False, progress=self._progress)
        return [by_disagreement(probabilities, self._probabilities(theirs), self._site.class_names)]

    def _challenger(self) -> str | None:
        """Return the run that asks for promotion, or else the newest finished one, unless it is the champion's."""
        champion = champion_of(self._workspace, self._site.name)
        in_force = champion.run_id if champion else ""
        for candidate in self._workspace.store.promotions.all(self._site.name):
            if candidate.state is CandidateState.REQUESTED and candidate.run_id != in_force:
                return candidate.run_id
        runs = [run for run in self._workspace.tracker.runs(self._site.name, TUNE) if run.state == "FINISHED"]
        return runs[0].id if runs and runs[0].id != in_force else None

    def _look_again(
        self, asked: Stills, probabilities: Floats, settled: Mapping[str, SettledAnswer]
    ) -> tuple[LookAgain, ...]:
        """Return the answers that the model contradicts most, if it is one that people mostly agree with."""
        names = self._site.class_names
        found: list[LookAgain] = []
        answered = 0
        for row, frame in enumerate(asked.frames):
            said = settled[frame.id].answer.class_name if frame.id in settled else ""
            if said not in names:
                continue
            answered += 1
            doubt = float(probabilities[row].max() - probabilities[row, names.index(said)])
            if doubt > 0:
                by = settled[frame.id].people[-1]
                reason = reasons.contradicts(names, probabilities[row], said=said, by=by)
                found.append(LookAgain(frame.id, frame.camera, doubt, reason))
        if answered and 1 - len(found) / answered < _LEAST_RIGHT:
            share = f"{len(found)} of {answered}"
            self.notes.append(f"The model contradicts {share} answers, too many to doubt any of them for it.")
            return ()
        doubted = sorted((one for one in found if one.doubt >= _LEAST_DOUBT), key=lambda one: -one.doubt)
        return tuple(doubted[:_MOST_LOOKED_AT_AGAIN])

    def _probabilities(self, opinions: Sequence[KeptOpinion]) -> Floats:
        listed = [one.probabilities for one in opinions]
        return np.array(listed, np.float64).reshape(-1, len(self._site.class_names))


def _embeddings(opinions: Sequence[KeptOpinion]) -> Floats:
    return np.array([one.embedding for one in opinions], np.float64)
