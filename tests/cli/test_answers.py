"""``workbench answers`` and ``workbench gold`` as somebody types them; none of it needs Label Studio before a push."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Annotation, Clip, Frame, Role, Site
from workbench.errors import AccessError, WorkbenchError
from workbench.workflows.accounts import add_user
from workbench.workflows.workspace import Workspace

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
FRAMES = [f"{number:x}" * 64 for number in range(12)]
PASSWORD = "a-long-password"


@pytest.fixture
def bench(workspace: Workspace, yard: Site, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Twelve frames of as many clips, each answered by two people who differ about the last."""
    store = workspace.store
    said = []
    for number, frame_id in enumerate(FRAMES):
        clip = Clip(f"{number:064x}", "yard", "north", f"{number}.mp4", AT + timedelta(hours=number), 1.0, (64, 48))
        store.footage.add_clip(clip)
        frame = Frame(frame_id, "yard", "north", clip.id, clip.name, 0.0, clip.started_at, (64, 48))
        store.footage.add_frames([frame])
        class_name = "person" if number % 2 else "clear"
        first = Annotation(frame_id, class_name, f"It is {class_name}.", "ann@site.invalid", AT, 2 * number + 1)
        other = "truck" if number == 11 else class_name
        second = replace(first, class_name=other, labeller="ben@site.invalid", annotation_id=2 * number + 2)
        said += [first, second]
    store.labels.change_annotations("yard", said, ())
    add_user(workspace, "rosa", PASSWORD, [Role.REVIEWER], actor="test")
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))
    monkeypatch.setenv("WORKBENCH_PASSWORD", PASSWORD)
    monkeypatch.setattr("workbench.cli.console.output", Console(markup=False, highlight=False, width=160))
    return workspace


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, [*arguments, "--site", "yard"])
    if isinstance(result.exception, WorkbenchError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_agreement_is_told_with_intervals_in_plain_words(bench: Workspace) -> None:
    told = run("answers", "agreement")
    assert "24 answers; 12 frames were answered by several labellers" in told
    assert "almost perfect" in told
    report = json.loads(run("answers", "agreement", "--json"))
    assert report["overall"]["classes"]["frames"] == 12
    assert report["by_pair"][0]["classes"]["coefficient"]["value"] == pytest.approx(0.85, abs=0.02)
    truck = next(row for row in report["by_class"] if row["name"] == "truck")
    assert truck["classes"]["frames"] == 1


def test_a_reviewer_works_through_the_queue(bench: Workspace) -> None:
    (waiting,) = (line for line in run("answers", "list").splitlines() if "disagree" in line)
    assert waiting.startswith(FRAMES[11][:12])
    assert "23 ann@site.invalid: person" in waiting
    accepted = run("answers", "accept", "bb", "--answer", "23", "--as", "rosa", "--note", "a person indeed")
    assert "was accepted by rosa: person" in accepted
    fixed = run("answers", "fix", FRAMES[11], "--class", "truck", "--caption", "A truck.", "--as", "rosa")
    assert "was fixed by rosa: truck, “A truck.”" in fixed
    assert "labellers disagree" not in run("answers", "list")
    decided = json.loads(run("answers", "list", "--decided", "--json"))
    assert [one["decision"]["answer"]["caption"] for one in decided] == ["A truck."]


def test_gold_tasks_are_added_scored_and_removed(bench: Workspace) -> None:
    assert "No gold task yet" in run("gold", "list")
    assert "No labeller has answered" in run("gold", "score")
    run("gold", "add", FRAMES[0], "--class", "truck", "--caption", "A truck.", "--as", "rosa")
    (gold,) = bench.store.gold.all("yard").values()
    for frame_id in FRAMES:
        bench.store.gold.put("yard", replace(gold, frame_id=frame_id))
    assert "ann@site.invalid is below 80% with enough evidence" in run("gold", "score")
    (ann, ben) = json.loads(run("gold", "score", "--json"))
    assert (ann["score"]["right"]["value"], ann["score"]["verdict"]) == (0.0, "fail")
    assert ben["score"]["said"]["truck"]["truck"] == 1
    run("gold", "remove", FRAMES[0], "--as", "rosa")
    assert len(json.loads(run("gold", "list", "--json"))) == 11


def test_overlap_is_kept_before_anybody_was_asked(bench: Workspace) -> None:
    assert "it holds for the tasks to come" in run("answers", "overlap", "--share", "0.2", "--labellers", "3")
    rule = bench.store.gold.overlap("yard")
    assert rule is not None
    assert (rule.share, rule.labellers) == (0.2, 3)


def test_who_labels_under_another_name_is_told_and_then_refused(bench: Workspace) -> None:
    told = CliRunner().invoke(app, ["user", "labels-as", "rosa", "ann@site.invalid"])
    assert "User rosa labels as ann@site.invalid." in told.output
    with pytest.raises(AccessError, match="who did not answer"):
        run("answers", "accept", "bb", "--answer", "23", "--as", "rosa")
