"""What is measured beside the figures: poor conditions, general skills, absent objects, a judge's opinion."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL.Image import Image
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Contest, LabelClass, Preference, Taxonomy, utc_now
from workbench.errors import ServiceError, UsageError, WorkbenchError
from workbench.evaluation.checks import Check, result_from_json
from workbench.evaluation.corruptions import CORRUPTIONS
from workbench.evaluation.robustness import robustness_curves
from workbench.statistics.permutation import paired_p_value
from workbench.workflows import judging
from workbench.workflows.compare import compare_models
from workbench.workflows.evaluate import evaluate
from workbench.workflows.measured import CHECKS_FILE, measured
from workbench.workflows.tune import tune
from workbench.workflows.workspace import Workspace

RECIPE = "lora: {r: 2}\ntraining: {max_steps: 2, per_device_train_batch_size: 2, eval_steps: 2, learning_rate: 2e-2}\n"


@pytest.fixture
def tuned(harbour: Workspace, tmp_path: Path) -> str:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return tune(harbour, recipe, site="harbour", actor="ada").run_id


def test_an_adapter_is_checked_beside_its_base_and_all_is_kept(harbour: Workspace, tuned: str, tmp_path: Path) -> None:
    classes = tuple(LabelClass(name) for name in harbour.store.sites.get("harbour").class_names)
    objects = {"truck": ("lorry",), "yard": ()}
    harbour.store.sites.set_taxonomy("harbour", Taxonomy(classes, objects=objects))
    page = tmp_path / "out.html"
    asked = [f"--also={check}" for check in ("robustness", "general", "probes")]
    arguments = ["evaluate", "--site", "harbour", "--model", tuned, *asked, "--report", str(page), "--json"]
    told = json.loads(CliRunner().invoke(app, arguments, catch_exceptions=False).stdout)

    assert {"mentions", "robustness", "general"} <= told["checks"].keys()
    assert {f"{name}/{level}" for name in CORRUPTIONS for level in range(1, 6)} < told["checks"]["robustness"].keys()
    assert told["checks"]["robustness"]["clean"]["value"] == told["class_accuracy"]["value"], "all ten frames are drawn"
    text = page.read_text(encoding="utf-8")
    for heading in ("In poor conditions", "What it could do before", "Things that are not there", "By kind of frame"):
        assert heading in text
    run, of_tuning = harbour.tracker.get(told["mlflow_run_id"]), harbour.tracker.get(tuned)
    assert run.metrics["robustness/noise/5"] == told["checks"]["robustness"]["noise/5"]["value"]
    assert of_tuning.metrics["checks/general/yes_no_accuracy"] == told["checks"]["general"]["yes_no_accuracy"]["value"]
    assert run.metrics[f"class/{classes[0].name}/recall"] >= 0
    path = harbour.tracker.file(run.id, CHECKS_FILE)
    assert path is not None
    stored = [result_from_json(one) for one in json.loads(path.read_text(encoding="utf-8"))]
    general = next(one for one in stored if one.check is Check.GENERAL)
    assert {one.name for one in general.figures} == {"class_accuracy", "count_accuracy", "yes_no_accuracy", "cider"}
    assert all(one.base is not None and one.difference is not None for one in general.figures)

    found = compare_models(harbour, "harbour", tuned, "base")
    assert [own.corruption for own, _ in found.robustness] == list(CORRUPTIONS)
    own, base = found.robustness[0]
    assert len(own.levels) == len(base.levels) == 6
    robustness = next(one for one in stored if one.check is Check.ROBUSTNESS)
    assert [one.own for one in base.levels] == [one.base for one in robustness_curves(robustness.figures)[0].levels]
    assert {one.tuned_run for one in measured(harbour, "harbour")} == {tuned, "base"}, (
        "the base needs no run of its own"
    )


def test_models_asked_before_and_after_a_class_was_added_are_compared_over_all_classes(
    harbour: Workspace, tuned: str
) -> None:
    before = evaluate(harbour, site="harbour", model=tuned, actor="ada")
    names = harbour.store.sites.get("harbour").class_names
    harbour.store.sites.set_taxonomy("harbour", Taxonomy(tuple(map(LabelClass, ("crane", *names)))))
    evaluate(harbour, site="harbour", model="base", actor="ada")

    found = compare_models(harbour, "harbour", tuned, "base")
    assert found.other.run_id != before.run_id, "the base was asked anew"
    assert found.of_own.class_names == found.of_other.class_names == (*names, "crane")
    assert found.of_own.report.metrics == before.report.metrics
    clips = np.arange(before.report.rows)
    assert 0 < paired_p_value(found.of_own.statistics["macro_f1"], found.of_other.statistics["macro_f1"], clips) <= 1


def test_what_cannot_be_compared_is_told(harbour: Workspace, tuned: str) -> None:
    for site, part, sentence in (
        ("nowhere", "test", "site"),
        ("harbour", "tests", "train, validation, test, golden, but found tests"),
        ("harbour", "validation", f"--model {tuned} --split validation"),
        ("harbour", "golden", "freeze a golden set"),
    ):
        with pytest.raises(WorkbenchError, match=sentence):
            compare_models(harbour, site, tuned, "base", part=part)


def test_a_judge_is_asked_twice_and_held_against_people(
    harbour: Workspace, tuned: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Scripted(lambda prompt: f"Feedback: so. [RESULT] {1 + len(prompt) % 5}")
    monkeypatch.setattr(judging, "open_judge", lambda workspace, name: judge)
    monkeypatch.setattr("workbench.workflows.evaluate.open_judge", lambda workspace, name: judge)
    first = evaluate(harbour, site="harbour", model=tuned, judge="it", actor="ada")
    assert first.baseline is not None
    versions = (first.report.model_version, first.baseline.model_version)
    contest = Contest.of("harbour", first.report.dataset_id, "test", *versions)
    frames = [result.frame.frame_id for result in first.worst_frames]
    for frame_id in frames[:4]:
        harbour.store.comparisons.add(contest, Preference(frame_id, "lin", versions[0], utc_now()))

    found = next(
        one
        for one in evaluate(harbour, site="harbour", model=tuned, judge="it", actor="ada").checks
        if one.check is Check.JUDGE
    )

    assert found.counts["asked"] == 2 * found.asked == 20
    assert found.counts["people"] == 4
    (score,) = found.figures
    assert score.base is not None
    assert 1 <= score.own.value <= 5
    assert found.counts["order_changes"] is not None


def test_a_judge_that_answers_nonsense_is_counted_and_decides_nothing(harbour: Workspace, tmp_path: Path) -> None:
    recipe = tmp_path / "judge.yaml"
    recipe.write_text("lora: {r: 2}\n", encoding="utf-8")
    evaluation = evaluate(harbour, site="harbour", model="base", judge=str(recipe), actor="ada")
    found = next(one for one in evaluation.checks if one.check is Check.JUDGE)
    assert (found.figures, found.counts["unparseable"], found.counts["unjudged"]) == ((), 20, 10)
    assert "No answer of the judge could be read." in evaluation.html_path.read_text(encoding="utf-8")


def test_what_is_wrong_is_said_before_anything_is_measured(harbour: Workspace, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="answers about pictures"):
        evaluate(harbour, site="harbour", model="base", judge="http://127.0.0.1:9/v1#judge", actor="ada")
    for options, told in (
        (["--also", "everything"], "one of probes, robustness, general"),
        (["--report", str(tmp_path / "none" / "out.html")], "in a folder that there is"),
        (["--rubric", str(tmp_path / "none.yaml")], "a rubric in"),
    ):
        found = CliRunner().invoke(app, ["evaluate", "--site", "harbour", "--model", "base", *options])
        assert isinstance(found.exception, UsageError)
        assert told in str(found.exception)
    assert not measured(harbour, "harbour")


class Scripted:
    def __init__(self, say: Callable[[str], str]) -> None:
        self._say = say

    def answer(self, images: Sequence[Image], instructions: Sequence[str], *, max_new_tokens: int) -> list[str]:
        assert len(images) == len(instructions)
        return [self._say(prompt) for prompt in instructions]
