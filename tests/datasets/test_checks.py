"""What makes a version unfit, or worth a look, and the page that shows it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.datasets.conftest import Days, labels
from tests.datasets.pictures import say, scene, take
from workbench.cli import app
from workbench.datasets.checks import CheckReport, Finding, Severity, check_captions
from workbench.datasets.manifest import ManifestRow
from workbench.datasets.suspects import find_suspects
from workbench.domain import CaptionGuide, LabelClass, Site, Split, Taxonomy
from workbench.errors import StorageError, UsageError
from workbench.workflows.build import build_dataset
from workbench.workflows.check_page import check_page
from workbench.workflows.dataset_checks import check_dataset, known_card, known_checks
from workbench.workflows.workspace import Workspace

START = datetime(2026, 3, 2, 8, tzinfo=UTC)


def found(report: CheckReport | None, check: str) -> list[Finding]:
    assert report is not None
    return [finding for finding in report.findings if finding.check == check]


def a_row(caption: str, number: int = 0) -> ManifestRow:
    return ManifestRow(f"{number:064x}", "gate", "c", "c", 0.0, START, "clear", caption, Split.TRAIN, ())


def test_a_class_that_nobody_labelled_makes_a_version_unfit(workspace: Workspace, gate: Days) -> None:
    workspace.store.sites.set_taxonomy("yard", Taxonomy(tuple(map(LabelClass, ("clear", "truck", "spill")))))

    version = build_dataset(workspace, "yard", actor="ann")

    (finding,) = found(known_checks(version), "empty class")
    assert finding.severity is Severity.FAILURE
    assert finding.sentence.startswith("Class spill has no frame: nothing can learn it.")
    assert f"- {finding.sentence}" in known_card(version)


def test_a_class_of_one_camera_is_worth_a_look(workspace: Workspace, gate: Days) -> None:
    roof = take(workspace, "roof", "roof.mp4", START + timedelta(days=9), [scene(2, noise=n) for n in range(6)])
    say(workspace, labels(gate) | {frame.id: "clear" for frame in roof})

    version = build_dataset(workspace, "yard", actor="ann")

    (finding,) = found(known_checks(version), "one-camera class")
    assert finding.severity is Severity.WARNING
    assert finding.sentence.startswith("Class truck is seen by camera gate alone")
    assert len(finding.frame_ids) == 24


def test_captions_are_held_against_the_guide() -> None:
    guide = CaptionGuide(bad=("Nothing special.",), least_words=3, most_words=6)
    captions = ("", "nothing  SPECIAL", "A truck.", "One two three four five six seven.", "A truck waits at the gate.")

    empty, bad, length = check_captions([a_row(text, n) for n, text in enumerate(captions)], guide)

    assert [len(finding.frame_ids) for finding in (empty, bad, length)] == [1, 1, 2]
    assert length.remarks == ("A truck.", "One two three four five six seven.")
    assert list(check_captions([a_row(captions[-1])], guide)) == []


def test_the_sites_guide_is_applied(workspace: Workspace, gate: Days) -> None:
    guide = CaptionGuide(least_words=9)
    workspace.store.sites.set_taxonomy("yard", Taxonomy((LabelClass("clear"), LabelClass("truck")), guide))

    version = build_dataset(workspace, "yard", actor="ann")

    (finding,) = found(known_checks(version), "captions")
    assert len(finding.frame_ids) == 48


def test_wrong_classes_are_found_among_the_first_suspects() -> None:
    draw = np.random.default_rng(0)
    given = np.array([place % 3 for place in range(300)])
    groups = np.arange(300) // 20
    centres = draw.normal(size=(3, 16))
    embeddings = (centres[given] + 0.3 * draw.normal(size=(300, 16)) + 0.5 * draw.normal(size=(15, 16))[groups]).astype(
        np.float32
    )
    wrong = draw.choice(300, 12, replace=False)
    names = [f"class-{code}" for code in given]
    for place in wrong:
        names[place] = f"class-{(given[place] + 1) % 3}"

    suspects = find_suspects(embeddings, names, groups)

    assert suspects.judged == 300
    first = [suspect.place for suspect in suspects.found[:12]]
    assert len(set(first) & set(wrong.tolist())) >= 11
    for suspect in suspects.found[:5]:
        assert suspect.given == names[suspect.place] != suspect.likelier
        assert suspect.given_probability <= 0.1 < 0.5 <= suspect.likelier_probability


def test_what_cannot_be_judged_is_no_suspect() -> None:
    draw = np.random.default_rng(0)
    embeddings = draw.normal(size=(40, 8)).astype(np.float32)
    one_clip = find_suspects(embeddings, ["a", "b"] * 20, np.zeros(40, np.int64))
    only_there = find_suspects(embeddings, ["a", "b"] * 15 + ["rare"] * 10, np.arange(40) // 10)

    assert (one_clip.judged, one_clip.found) == (0, ())
    assert only_there.judged == 30
    assert all(suspect.given != "rare" for suspect in only_there.found)
    assert find_suspects(np.zeros((0, 8), np.float32), [], np.zeros(0, np.int64)).judged == 0


def test_suspects_are_told_with_what_they_look_like(workspace: Workspace, gate: Days) -> None:
    version = build_dataset(workspace, "yard", actor="ann")

    for finding in found(known_checks(version), "label noise"):
        assert "a simple model that learnt from other clips" in finding.sentence
        assert len(finding.remarks) == len(finding.frame_ids)
        assert all("looks like" in remark for remark in finding.remarks)


def test_a_check_reads_every_picture_and_every_file(
    workspace: Workspace, gate: Days, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    changed, lost = gate[0][2], gate[1][3]
    files = workspace.settings.frames_dir
    (files / changed.id[:2] / f"{changed.id}.jpg").write_bytes(scene(9))
    workspace.frame_files.delete(lost.id)
    (arrow,) = (Path(version.path) / "test").glob("*.arrow")
    arrow.write_bytes(b"")

    report = check_dataset(workspace, version)

    assert [(finding.check, finding.frame_ids) for finding in report.failures] == [
        ("files", ()),
        ("pictures", (lost.id,)),
        ("pictures", (changed.id,)),
    ]
    assert known_checks(version) == report
    assert "are not the bytes that were stored" in known_card(version)
    quick = check_dataset(workspace, version, reads_pictures=False)
    assert [finding.check for finding in quick.failures] == ["files"]
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))
    page = tmp_path / "page.html"
    printed = CliRunner().invoke(app, ["dataset", "check", "--site", "yard", "--html", str(page)])
    assert (printed.exit_code, "failure  The pictures of 1 of 48 frames" in printed.stdout) == (1, True)
    assert "This version is unfit for 3 reasons." in page.read_text()


def test_a_place_of_pictures_that_does_not_answer_says_nothing_about_them(workspace: Workspace, gate: Days) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    before, lost = known_checks(version), gate[1][3].id
    workspace.frame_files.delete(lost)
    (workspace.settings.frames_dir / lost[:2] / f"{lost}.jpg").mkdir()

    with pytest.raises(StorageError, match="directory"):
        check_dataset(workspace, version)

    assert known_checks(version) == before


def test_a_page_that_cannot_be_written_is_told(
    workspace: Workspace, gate: Days, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build_dataset(workspace, "yard", actor="ann")
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))

    asked = ["dataset", "check", "--quick", "--site", "yard", "--html", str(tmp_path / "no" / "page.html")]
    printed = CliRunner().invoke(app, asked)

    assert isinstance(printed.exception, UsageError)
    assert "a file that can be written" in str(printed.exception)


def test_the_page_has_example_frames_in_it_and_says_which_are_gone(workspace: Workspace, gate: Days) -> None:
    version = build_dataset(workspace, "yard", actor="ann")
    shown, gone = gate[0][1].id, "f" * 64
    sentence = "Class <truck> & others."
    report = CheckReport(
        version.id, START, True, (Finding("empty class", Severity.FAILURE, sentence, (shown, gone), ("this", "that")),)
    )

    page = check_page(workspace, version, report)

    assert "This version is unfit for 1 reason." in page
    assert "Class &lt;truck&gt; &amp; others." in page
    assert page.count('src="data:image/jpeg;base64,') == 1
    assert page.count("no picture any more") == 1
    assert "<script" not in page
    empty = replace(report, findings=())
    assert "This version can be used; nothing was found." in check_page(workspace, version, empty)


def test_a_site_that_was_never_compared_is_looked_at_when_it_is_built(workspace: Workspace) -> None:
    """The real dual encoder, once."""
    workspace.store.sites.add(Site("yard", ("clear", "truck")))
    days = [
        take(workspace, "gate", f"{day}.mp4", START + timedelta(days=day), [scene(1, day * 9 + n) for n in range(4)])
        for day in range(4)
    ]
    ids = [frame.id for day in days for frame in day]
    workspace.store.prints.forget(ids)
    say(workspace, labels(days))

    build_dataset(workspace, "yard", actor="ann")

    from workbench.workflows.frame_looks import encoder_digest

    assert workspace.store.prints.of(ids, encoder=encoder_digest(workspace)).keys() == set(ids)
