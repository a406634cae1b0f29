"""A site's dual encoder is tuned, measured, chosen and searched with, and is never taken for the answering model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.dual_encoders import save_clip
from tests.tuning.conftest import CAPTIONS, CLASS_NAMES
from tests.tuning.test_workflow import stored_dataset
from workbench.cli import app
from workbench.domain import LabelledFrame, QueueRules, Role, Signal, Site, Split, User
from workbench.errors import ModelError, PromotionError, UsageError
from workbench.models.instructions import class_text
from workbench.settings import Settings
from workbench.store import ChosenEncoder
from workbench.workflows.evaluate_search import evaluate_search
from workbench.workflows.predict import load_site_model
from workbench.workflows.promote import request_promotion
from workbench.workflows.queue import plan_queue
from workbench.workflows.search import find_frames
from workbench.workflows.search_encoder import choose_encoder, load_site_encoder
from workbench.workflows.sweep import sweep
from workbench.workflows.tune import TuneResult, resume, tune
from workbench.workflows.workspace import Workspace

SITE, ACTOR = "dock", "ada"
RECIPE = """
task: search
base: {{model: {base}}}
lora: {{r: 2}}
training: {{max_steps: 4, per_device_train_batch_size: 4, eval_steps: 2, learning_rate: 5e-3}}
"""


@dataclass(frozen=True)
class Tuned:
    workspace: Workspace
    recipe: Path
    run: TuneResult


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory, frames: list[LabelledFrame]) -> Iterator[Tuned]:
    folder = tmp_path_factory.mktemp("search")
    base = save_clip(folder / "clip", *CAPTIONS, *map(class_text, CLASS_NAMES))
    recipe = folder / "small.yaml"
    recipe.write_text(RECIPE.format(base=base), encoding="utf-8")
    workspace = Workspace.open(Settings.load(home=folder / "home"))
    workspace.store.sites.add(Site(SITE, CLASS_NAMES))
    workspace.store.datasets.add(stored_dataset(workspace, SITE, frames))
    yield Tuned(workspace, recipe, tune(workspace, recipe, site=SITE, actor=ACTOR))
    workspace.store.close()


@pytest.fixture
def chosen(tuned: Tuned) -> Iterator[ChosenEncoder]:
    chosen = choose_encoder(tuned.workspace, SITE, tuned.run.run_id, actor=ACTOR)
    assert chosen
    yield chosen
    choose_encoder(tuned.workspace, SITE, "base", actor=ACTOR)


def test_a_run_has_its_lineage_and_begins_at_the_base(tuned: Tuned) -> None:
    tracker, run = tuned.workspace.tracker, tuned.workspace.tracker.get(tuned.run.run_id)
    assert (run.kind, run.state, tuned.run.kind) == ("tune-search", "FINISHED", "tune-search")
    assert run.params["task"] == "search"
    assert run.params["parts.image_tower"] == "lora"
    assert run.datasets == {"training": tuned.run.dataset_id}
    steps = [step for step, _ in tracker.history(run.id, "validation/text_to_image_mrr")]
    assert steps == [0, 2, 4]
    samples = json.loads((tracker.file(run.id, "samples.json") or Path()).read_text())
    assert {"class_before", "class_after", "caption_before", "caption_after"} <= set(samples["columns"])
    assert tuned.workspace.store.audit.events()[-1].action == "tune"


def test_it_is_not_taken_for_the_answering_model(tuned: Tuned) -> None:
    engineer = User("eve", frozenset({Role.ENGINEER}))
    tuned.workspace.store.users.add(engineer, password_hash="")
    with pytest.raises(PromotionError, match="which tuned a dual encoder"):
        request_promotion(tuned.workspace, site=SITE, run_id=tuned.run.run_id, actor=engineer)
    with pytest.raises(UsageError, match="which tuned a dual encoder"):
        load_site_model(tuned.workspace, SITE, tuned.run.run_id)
    with pytest.raises(UsageError, match="that was stopped"):
        resume(tuned.workspace, tuned.run.run_id, actor=ACTOR)


def test_a_killed_run_is_one_run_with_a_whole_curve(tuned: Tuned) -> None:
    tracker = tuned.workspace.tracker

    def die(done: int, total: int | None, what: str) -> None:
        if what == "training steps" and done == 3:
            raise KeyboardInterrupt

    warned: list[str] = []
    saves = ["training.save_steps=2"]
    with pytest.raises(KeyboardInterrupt):
        tune(tuned.workspace, tuned.recipe, site=SITE, actor=ACTOR, progress=die, overrides=saves, warn=warned.append)
    killed = tracker.runs(SITE, "tune-search")[0]
    assert killed.state == "KILLED"
    assert warned.pop() == f"Stopped; `workbench tune --resume {killed.id}` goes on."
    result = resume(tuned.workspace, killed.id, actor=ACTOR, warn=warned.append)
    assert "goes on after step 2" in warned[0]
    assert (result.run_id, tracker.get(killed.id).state) == (killed.id, "FINISHED")
    assert [step for step, _ in tracker.history(killed.id, "validation/loss")] == [0, 2, 4]
    assert result.final_loss == tuned.run.final_loss


def test_search_and_classes_are_measured_beside_the_base(tuned: Tuned) -> None:
    found = evaluate_search(tuned.workspace, site=SITE, model=tuned.run.run_id, split=Split.VALIDATION, actor=ACTOR)
    assert found.baseline
    assert found.captions == 2
    assert found.learnt_from == 2
    assert set(found.differences) == set(found.report.metrics) == set(found.baseline.metrics)
    assert {"class_accuracy", "text_to_image_mrr", "image_to_text_recall_at_10"} <= set(found.report.metrics)
    assert found.report.by_camera.keys() == {"dock"}
    run = tuned.workspace.tracker.get(tuned.run.run_id)
    assert run.metrics["base_validation/text_to_image_mrr"] == found.baseline.metrics["text_to_image_mrr"].value
    assert "validation/class_accuracy_low" in run.metrics
    own = tuned.workspace.tracker.get(found.run_id)
    assert (own.kind, own.metrics["rows"]) == ("evaluate-search", 2)
    base = evaluate_search(tuned.workspace, site=SITE, model="base", split=Split.VALIDATION, actor=ACTOR)
    assert (base.baseline, base.differences) == (None, {})


def test_a_site_is_searched_with_what_it_has_chosen(tuned: Tuned, chosen: ChosenEncoder) -> None:
    workspace = tuned.workspace
    found = find_frames(workspace, SITE, CAPTIONS[0], most=3)
    assert found.model_version == load_site_encoder(workspace, SITE, tuned.run.run_id).encoder.version
    assert (found.looked_at, len(found.hits)) == (8, 3)
    assert [hit.similarity for hit in found.hits] == sorted((hit.similarity for hit in found.hits), reverse=True)
    assert {hit.class_name for hit in found.hits} <= set(CLASS_NAMES)
    base = find_frames(workspace, SITE, CAPTIONS[0], model="base")
    assert "adapter" not in base.model_version
    ids = [hit.frame_id for hit in base.hits]
    kept = workspace.store.search.embeddings(chosen.adapter_digest, ids)
    widths = {len(row) for row in kept.values()}
    assert (len(kept), widths) == (8, {16})  # the base's, of width 128, are kept elsewhere
    workspace.store.search.forget(ids[:1])
    assert set(workspace.store.search.embeddings(chosen.adapter_digest, ids)) == set(ids[1:])


def test_the_queue_is_searched_with_it_too(tuned: Tuned, chosen: ChosenEncoder) -> None:
    workspace = tuned.workspace
    rules = QueueRules(4, {Signal.DIVERSITY: 1.0}, search=CAPTIONS[1])
    plan = plan_queue(workspace, SITE, rules, actor=ACTOR)
    asked = [item.frame_id for item in plan.items]
    assert asked
    assert set(workspace.store.search.embeddings(chosen.adapter_digest, asked)) == set(asked)


def test_what_no_site_searches_with_is_dropped(tuned: Tuned) -> None:
    workspace = tuned.workspace
    chosen = choose_encoder(workspace, SITE, tuned.run.run_id, actor=ACTOR)
    assert chosen
    ids = [hit.frame_id for hit in find_frames(workspace, SITE, CAPTIONS[0]).hits]
    assert choose_encoder(workspace, SITE, "base", actor=ACTOR) is None
    assert workspace.store.search.of(SITE) is None
    assert workspace.store.search.embeddings(chosen.adapter_digest, ids) == {}
    last = workspace.store.audit.events()[-1]
    assert (last.action, last.subject, last.detail["run_id"]) == ("search.use", SITE, "")


def test_another_adapter_than_was_chosen_is_refused(tuned: Tuned, chosen: ChosenEncoder) -> None:
    tuned.workspace.store.search.choose(replace(chosen, adapter_digest="0" * 64))
    with pytest.raises(ModelError, match="that ada chose for dock"):
        find_frames(tuned.workspace, SITE, CAPTIONS[0])


def test_words_and_a_run_of_search_are_needed(tuned: Tuned) -> None:
    with pytest.raises(UsageError, match="words to search by"):
        find_frames(tuned.workspace, SITE, "  ")
    other = evaluate_search(tuned.workspace, site=SITE, model="base", split=Split.VALIDATION, actor=ACTOR)
    with pytest.raises(UsageError, match="that tuned a dual encoder"):
        choose_encoder(tuned.workspace, SITE, other.run_id, actor=ACTOR)


def test_a_sweep_tries_recipes_of_search(tuned: Tuned) -> None:
    result = sweep(
        tuned.workspace,
        tuned.recipe,
        site=SITE,
        space=["loss.same_class_negatives=0,1"],
        actor=ACTOR,
        overrides=["training.max_steps=2", "training.warmup_steps=0"],
    )
    assert len(result.trials) == 2
    assert result.metric == "text_to_image_mrr"
    assert all(trial.score is not None for trial in result.trials)


def test_commands(tuned: Tuned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tuned.workspace.settings.home))
    run = CliRunner().invoke
    checked = run(app, ["tune", str(tuned.recipe), "--site", SITE, "--preflight", "--json"])
    assert json.loads(checked.stdout)["captions"] == 2
    told = run(app, ["search", "find", CAPTIONS[0], "--site", SITE, "--most", "2"])
    assert "nearest class" in told.stdout
    measured = run(app, ["search", "evaluate", "--site", SITE, "--split", "validation", "--model", tuned.run.run_id])
    assert "text_to_image_mrr" in measured.stdout
    assert "the figures flatter it" in measured.stdout
    assert "is searched with the base" in run(app, ["search", "use", "base", "--site", SITE]).stdout
