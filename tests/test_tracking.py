"""The tracker on a real MLflow: SQLite and files in a temporary folder."""

import json
from pathlib import Path

import pandas
import pytest
from PIL import Image

from workbench.domain import DatasetVersion, Split, utc_now
from workbench.errors import NotFoundError, TrackingError
from workbench.tracking import Tracker

DATASET = DatasetVersion(
    id="0123456789abcdef" * 4,
    site="yard",
    parent_id=None,
    path="data/datasets/0123",
    rows={Split.TRAIN: 8, Split.TEST: 4},
    created_at=utc_now(),
)


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Tracker:
    home = tmp_path_factory.mktemp("mlflow")
    return Tracker(f"sqlite:///{home / 'mlruns' / 'mlflow.db'}", home / "mlruns" / "artifacts")


def test_what_a_run_logs_is_read_back(tracker: Tracker, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with tracker.run("yard", "first", kind="tune", tags={"started_by": "erin"}) as run:
        run.log_params({f"choice_{number}": number for number in range(130)})
        run.log_metrics({"train/loss": 2.0}, step=1)
        run.log_metrics({"train/loss": 1.0}, step=2)
        run.log_folder(tmp_path, "adapter")
        run.log_image(Image.new("RGB", (4, 4)), "images/one.png")
        run.log_json({"caption": "größer"}, "report/report.json")

    summary = tracker.get(run.id[:8])
    assert (summary.name, summary.kind, summary.site, summary.state) == ("first", "tune", "yard", "FINISHED")
    assert summary.params["choice_129"] == "129"
    assert summary.metrics == {"train/loss": 1.0}
    assert summary.tags["started_by"] == "erin"
    assert summary.ended_at is not None
    assert summary.ended_at >= summary.started_at
    assert (tracker.folder(run.id, "adapter") / "adapter_config.json").read_text() == "{}"
    assert "größer" in (tracker.folder(run.id, "report") / "report.json").read_text(encoding="utf-8")


def test_the_dataset_is_an_input_for_each_context(tracker: Tracker) -> None:
    with tracker.run("yard", "inputs", kind="tune") as run:
        run.log_dataset(DATASET, "training")
        run.log_dataset(DATASET, "test")

    assert tracker.get(run.id).datasets == {"training": DATASET.id, "test": DATASET.id}
    inputs = tracker.client.get_run(run.id).inputs.dataset_inputs
    assert {entry.dataset.digest for entry in inputs} == {DATASET.id[:36]}


def test_a_table_is_one_that_mlflow_reads(tracker: Tracker) -> None:
    rows = [{"caption": "a truck", "score": 0.5}, {"caption": "nobody", "score": 0.25}]
    with tracker.run("yard", "table", kind="evaluate") as run:
        run.log_table(rows, "samples/predictions.json")
        run.log_table(rows, "samples/predictions.json")

    assert (
        pandas.read_json(tracker.folder(run.id, "samples") / "predictions.json", orient="split").to_dict("records")
        == rows
    )
    tag = tracker.client.get_run(run.id).data.tags["mlflow.loggedArtifacts"]
    assert json.loads(tag) == [{"path": "samples/predictions.json", "type": "table"}]


def test_an_exception_marks_the_run_failed(tracker: Tracker) -> None:
    with pytest.raises(ZeroDivisionError), tracker.run("yard", "broken", kind="drift") as run:
        run.log_metrics({"share": 1 / 0})

    assert [summary.state for summary in tracker.runs("yard", kind="drift")] == ["FAILED"]


def test_adding_to_a_run_leaves_its_end_as_it_was(tracker: Tracker) -> None:
    with tracker.run("dock", "tuned", kind="tune") as run:
        run.log_params({"seed": 1})
    before = tracker.get(run.id)

    with tracker.reopen(run.id) as again:
        again.log_metrics({"test/class_accuracy": 0.75})

    after = tracker.get(run.id)
    assert after.metrics == {"test/class_accuracy": 0.75}
    assert (after.state, after.ended_at) == (before.state, before.ended_at)


def test_runs_are_listed_by_site_and_kind_newest_first(tracker: Tracker) -> None:
    for name in ("one", "two"):
        with tracker.run("gate", name, kind="tune"):
            pass
    with tracker.run("gate", "three", kind="evaluate"):
        pass

    assert {summary.name for summary in tracker.runs("gate", kind="tune")} == {"one", "two"}
    started = [summary.started_at for summary in tracker.runs("gate")]
    assert len(started) == 3
    assert started == sorted(started, reverse=True)
    assert tracker.runs("nobody-was-here") == []


@pytest.mark.parametrize("run_id", ["ffffffffffff", "", "x' OR 'a'='a"])
def test_an_id_that_names_no_run_is_refused(tracker: Tracker, run_id: str) -> None:
    with pytest.raises(NotFoundError, match="fits"):
        tracker.get(run_id)


def test_a_missing_artifact_folder_is_one_sentence(tracker: Tracker) -> None:
    with tracker.run("yard", "empty", kind="tune") as run:
        pass
    with pytest.raises(TrackingError, match="artifact folder 'adapter'"):
        tracker.folder(run.id, "adapter")


def test_a_server_that_is_down_is_one_sentence_without_the_password(tmp_path: Path) -> None:
    down = Tracker("http://user:hidden@127.0.0.1:9", tmp_path)
    with pytest.raises(TrackingError, match=r"MLflow at http://127\.0\.0\.1:9 to answer") as caught:
        down.runs("yard")
    assert "hidden" not in str(caught.value)
    assert str(caught.value).count("\n") == 0
