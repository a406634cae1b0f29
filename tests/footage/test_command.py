import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from workbench.cli import footage
from workbench.workflows.workspace import Workspace

MakeClip = Callable[..., Path]

app = typer.Typer()
app.command("ingest")(footage.ingest)


@pytest.mark.parametrize(
    ("text", "value_s"), [("1s", 1.0), ("500ms", 0.5), ("2", 2.0), ("1.5 m", 90.0), ("1h", 3600.0)]
)
def test_times_are_read_with_their_unit(text: str, value_s: float) -> None:
    assert footage.seconds(text) == pytest.approx(value_s)


@pytest.mark.parametrize("text", ["", "0s", "-1s", "soon", "1 week"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="such as 1s, 500ms or 2m"):
        footage.seconds(text)


def test_a_start_without_a_zone_is_utc() -> None:
    eight = datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert footage.utc_time("2026-03-02T08:00:00") == eight
    assert footage.utc_time("2026-03-02T09:00:00+01:00") == eight
    for text in ("this morning", "0001-01-01T00:00:00+05:00"):
        with pytest.raises(typer.BadParameter, match=re.escape(text)):
            footage.utc_time(text)


def test_the_command_prints_one_json_object_and_fails_on_problems(
    workspace: Workspace, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))
    folder = make_clip().parent
    arguments = [str(folder), "--site", "yard", "--camera", "gate", "--every", "500ms", "--json"]

    good = CliRunner().invoke(app, arguments)
    (folder / "bad.mp4").touch()
    mixed = CliRunner().invoke(app, arguments)

    assert good.exit_code == 0
    assert json.loads(good.stdout)["frames_added"] == 6
    assert mixed.exit_code == 1
    report = json.loads(mixed.stdout)
    assert (report["frames_added"], report["frames_known"], len(report["problems"])) == (0, 6, 1)


def test_a_note_is_no_problem(workspace: Workspace, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))

    told = CliRunner().invoke(app, [str(make_clip("a.h264")), "--site", "yard", "--camera", "gate"])

    assert told.exit_code == 0
    assert "Note: a.h264: its frames carry no times and count as 25 a second." in told.stdout
    (sampling,) = workspace.store.samplings.newest("yard", 1)
    assert (len(sampling.notes), sampling.problems) == (1, ())


def test_one_thing_is_told_of_as_one(
    workspace: Workspace, make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(workspace.settings.home))
    clip = str(make_clip())

    told = [
        CliRunner().invoke(app, [clip, "--site", "yard", "--camera", "gate", "--every", every]).stdout
        for every in ("1m", "1s")
    ]

    assert told[0].startswith("1 frame found in 1 clip: 1 added")
    assert told[1].startswith("3 frames found in 1 clip: 2 added")
