"""What labellers make of suggestions, found out from the real Label Studio and kept in the real MLflow."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.services import CLIP, FRAMES, free_port
from workbench.domain import Answer, Basis, LabelClass, Prediction, Site, Taxonomy
from workbench.labeling.results import answer_to_result
from workbench.labeling.signup import ensure_labeller
from workbench.labeling.studio import Studio
from workbench.store import CurrentModel
from workbench.workflows import label
from workbench.workflows.import_labels import import_labels
from workbench.workflows.prelabel import PreLabeller, source_of
from workbench.workflows.prelabel_quality import measure_quality
from workbench.workflows.task_board import open_studio
from workbench.workflows.workspace import Workspace

ACTOR = "tester"
OLD, NEW = "base@1", "base@1+adapter@2"
SUGGESTED = Answer("person", "A man walks by the gate.")


class Labelling:
    """A site whose frames have tasks, with suggestions as a push would make them, and a labeller."""

    def __init__(self, bench: Workspace, site: Site) -> None:
        self.bench, self.site, self.studio = bench, site.name, open_studio(bench)
        self.project_id = label.push(bench, site.name, actor=ACTOR, prelabel=False).project_id
        tasks = bench.store.labels.tasks(site.name)
        self.tasks = [tasks[frame.id].task_id for frame in bench.store.footage.frames(site.name)]
        self.frames = [frame.id for frame in bench.store.footage.frames(site.name)]
        name = f"{site.name}@site.invalid"
        token = ensure_labeller(self.studio.url, self.studio.invitation_path(), name, "Long-enough-77")
        self.labeller = Studio(self.studio.url, token)

    def suggest(self, version: str, *places: int) -> None:
        made = [Prediction(self.frames[at], SUGGESTED.class_name, SUGGESTED.caption, version, 0.9) for at in places]
        self.studio.add_predictions(
            self.project_id, {self.tasks[at]: said for at, said in zip(places, made, strict=True)}
        )
        self.bench.store.labels.add_predictions(self.site, made)
        self.studio.show_predictions_of(self.project_id, version)
        self.bench.store.reactions.show(self.site, self.project_id, version)

    def answer(self, place: int, said: Answer, *, to: str = "") -> int:
        """Answer as the page does that began with the suggestion of a version, or from an empty page."""
        annotation = self.labeller._client.annotations.create(
            self.tasks[place], result=answer_to_result(said), lead_time=0.0, **self._parent(place, to)
        )
        return int(annotation.id)

    def skip(self, place: int, *, to: str) -> int:
        skipped = self.labeller._client.annotations.create(
            self.tasks[place], result=[], was_cancelled=True, **self._parent(place, to)
        )
        return int(skipped.id)

    def pull(self) -> label.PullReport:
        return label.pull(self.bench, self.site, actor=ACTOR)

    def counts(self) -> dict[str, tuple[int, int, int, int]]:
        """Return how many suggestions of each version were accepted, edited, rejected and skipped."""
        measured = measure_quality(self.bench.store, self.site)
        overalls = {quality.model_version: quality.overall for quality in measured}
        return {name: (one.accepted, one.edited, one.rejected, one.skipped) for name, one in sorted(overalls.items())}

    def bases(self) -> list[Basis]:
        return [response.basis for response in self.bench.store.reactions.responses(self.site)]

    def _parent(self, place: int, version: str) -> dict[str, int]:
        if not version:
            return {}
        known = self.studio._client.predictions.list(task=self.tasks[place])
        return {"parent_prediction": next(one.id for one in known if one.model_version == version)}


@pytest.fixture(scope="module")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One MLflow for these tests: making its database takes seconds."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"


@pytest.fixture
def labelling(bench: Workspace, labelled_site: Site, mlflow_uri: str) -> Labelling:
    settings = bench.settings.model_copy(update={"mlflow_tracking_uri": mlflow_uri})
    return Labelling(replace(bench, settings=settings), labelled_site)


def test_reactions_are_counted_by_version_and_drawn_in_mlflow(labelling: Labelling) -> None:
    labelling.suggest(OLD, 0, 1, 2, 3)
    labelling.suggest(NEW, 3, 4)
    labelling.answer(0, SUGGESTED, to=OLD)
    labelling.answer(1, replace(SUGGESTED, caption="A man runs by the gate."), to=OLD)
    rejected = labelling.answer(2, Answer("clear", "Nobody is there."), to=OLD)
    labelling.answer(3, SUGGESTED, to=OLD)
    labelling.skip(4, to=NEW)
    assert labelling.pull().untracked == ""

    assert labelling.counts() == {NEW: (0, 0, 0, 1), OLD: (2, 1, 1, 0)}
    assert set(labelling.bases()) == {Basis.PARENT}
    (run,) = labelling.bench.tracker.runs(labelling.site, "suggestions")
    assert run.tags["model_version"] == OLD
    assert run.metrics["accept_rate"] == 0.5
    assert run.metrics["words"] == pytest.approx(1 / 6)
    assert run.metrics["accept_rate_low"] < 0.5 < run.metrics["accept_rate_high"]

    assert labelling.pull().changed == 0
    labelling.labeller._client.annotations.update(rejected, result=answer_to_result(SUGGESTED))
    labelling.pull()
    assert labelling.counts() == {NEW: (0, 0, 0, 1), OLD: (3, 1, 0, 0)}
    assert labelling.bench.tracker.history(run.id, "rejected") == [(4, 0.0), (4, 1.0)]
    assert len(labelling.bench.tracker.runs(labelling.site, "suggestions")) == 1


def test_without_label_studios_word_it_is_concluded_what_an_answer_began_with(
    labelling: Labelling, tmp_path: Path
) -> None:
    brought = tmp_path / "labels.csv"
    brought.write_text(f"video,time_s,class,caption\n{CLIP},3,person,{SUGGESTED.caption}\n{CLIP},4,clear,Nobody.\n")
    labelling.answer(0, SUGGESTED)
    labelling.suggest(OLD, 0, 1, 2, 3, 4)
    labelling.answer(1, SUGGESTED)
    labelling.suggest(NEW, 2)
    labelling.answer(2, SUGGESTED)
    import_labels(labelling.bench, brought, site=labelling.site, actor=ACTOR)
    (imported,) = labelling.studio._client.annotations.list(labelling.tasks[4])
    labelling.labeller._client.annotations.update(imported.id, result=answer_to_result(SUGGESTED))
    labelling.pull()
    assert labelling.counts() == {NEW: (1, 0, 0, 0), OLD: (1, 0, 0, 0)}
    assert labelling.bases() == [Basis.SHOWN, Basis.SHOWN]


def test_a_skip_that_becomes_an_answer_is_counted_as_one(labelling: Labelling) -> None:
    labelling.suggest(OLD, 0, 1)
    skipped = labelling.skip(0, to=OLD)
    labelling.answer(1, SUGGESTED, to=OLD)
    labelling.pull()
    assert labelling.counts() == {OLD: (1, 0, 0, 1)}
    labelling.labeller._client.annotations.update(skipped, result=answer_to_result(SUGGESTED), was_cancelled=False)
    labelling.pull()
    assert labelling.counts() == {OLD: (2, 0, 0, 0)}


def test_labellers_start_from_the_current_model_also_after_it_was_rolled_back(
    bench: Workspace, labelled_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StandIn(PreLabeller):
        model_version = OLD

        def guess(self, frame_ids: Sequence[str]) -> list[Prediction]:
            return [Prediction(one, "clear", "Empty.", self.model_version, 0.5) for one in frame_ids]

    monkeypatch.setattr(label, "PreLabeller", StandIn)
    for version, prelabelled in ((OLD, FRAMES), (NEW, FRAMES), (OLD, 0), (OLD, 0)):
        monkeypatch.setattr(StandIn, "model_version", version)
        report = label.push(bench, labelled_site.name, actor=ACTOR)
        assert report.prelabelled == prelabelled
        assert open_studio(bench)._client.projects.get(report.project_id).model_version == version
    shown = bench.store.reactions.shown(labelled_site.name, report.project_id)
    assert [one.model_version for one in shown] == [OLD, NEW, OLD]


def test_answers_are_fetched_though_mlflow_is_away(labelling: Labelling) -> None:
    labelling.suggest(OLD, 0)
    labelling.answer(0, SUGGESTED, to=OLD)
    away = {"mlflow_tracking_uri": f"http://127.0.0.1:{free_port()}"}
    bench = replace(labelling.bench, settings=labelling.bench.settings.model_copy(update=away))
    report = label.pull(bench, labelling.site, actor=ACTOR)
    assert report.added == 1
    assert report.untracked.startswith("Expected MLflow at http://127.0.0.1:")
    assert labelling.counts() == {OLD: (1, 0, 0, 0)}


def test_the_version_of_a_model_that_has_not_changed_is_known_without_loading_it(
    workspace: Workspace, yard: Site, tmp_path: Path
) -> None:
    weights = tmp_path / "base" / "model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    settings = workspace.settings.model_copy(update={"base_model": str(weights.parent)})
    bench = replace(workspace, settings=settings)
    source = source_of(bench, yard.name)
    bench.store.suggestions.set_model(yard.name, CurrentModel(source, "base@1"))
    guesser = PreLabeller(bench, yard)
    assert guesser.is_current
    assert guesser.model_version == "base@1"
    (weights.parent / "config.json").write_text("{}")
    configured = source_of(bench, yard.name)
    weights.write_bytes(b"others!")
    assert len({source, configured, source_of(bench, yard.name)}) == 3
    assert not guesser.is_current
    anew = PreLabeller(bench, yard)
    assert anew.is_current
    bench.store.sites.set_taxonomy(yard.name, Taxonomy((LabelClass("clear"), LabelClass("person"))))
    assert not anew.is_current
