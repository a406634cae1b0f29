"""Runs, metrics and artifacts in MLflow; only this module and ``promotion/registry.py`` know MLflow.

An MLflow experiment carries its site's name; runs in it are told apart by kind (``tune``, ``evaluate``, ``drift``).
The embedded default is SQLite with artifacts in a folder; at an ``http(s)`` tracking URI the server decides where
artifacts lie. Importing this module loads MLflow (about two seconds), so faces reach it through the workspace only.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from PIL.Image import Image

from workbench.domain import DatasetVersion
from workbench.errors import NotFoundError, TrackingError
from workbench.settings import NO_TELEMETRY

os.environ.update(NO_TELEMETRY)
for _name, _value in {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}.items():
    os.environ.setdefault(_name, _value)

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_LOGGED_ARTIFACTS  # noqa: E402
from mlflow.utils.validation import (  # noqa: E402
    MAX_DATASET_DIGEST_SIZE,
    MAX_METRICS_PER_BATCH,
    MAX_PARAMS_TAGS_PER_BATCH,
)
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

__all__ = ["RunLog", "RunSummary", "Tracker", "mlflow_errors"]

_KIND, _SITE, _JOB, _DATASET_ID = "workbench.kind", "workbench.site", "workbench.job", "workbench.dataset_id"


@dataclass(frozen=True)
class RunSummary:
    """What MLflow knows of a run; ``state`` is MLflow's word: RUNNING, FINISHED, FAILED or KILLED.

    ``datasets`` holds the full dataset id by the context it was used in (``training``, ``test``).
    """

    id: str
    name: str
    kind: str
    site: str
    state: str
    started_at: datetime
    ended_at: datetime | None
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    datasets: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def mlflow_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow at ``uri`` refuses inside the block into a :class:`TrackingError`."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, OSError) as error:
        said = str(error).partition("\n")[0].rstrip(".")
        raise TrackingError(
            expected=f"MLflow at {_without_credentials(uri, uri)} to answer",
            found=_without_credentials(said, uri),
            remedy="run `workbench doctor`, or check WORKBENCH_MLFLOW_TRACKING_URI and the disk's free space",
        ) from error


class RunLog:
    """An MLflow run that is being written; every method raises TrackingError when MLflow refuses."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client, self.id = client, run_id

    def log_params(self, params: Mapping[str, object]) -> None:
        """Write what was chosen before the run; a name that is written again must keep its value."""
        entries = [Param(name, str(value)) for name, value in params.items()]
        with self._errors():
            for start in range(0, len(entries), MAX_PARAMS_TAGS_PER_BATCH):
                self._client.log_batch(self.id, params=entries[start : start + MAX_PARAMS_TAGS_PER_BATCH])

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        entries = [Metric(name, value, now_ms, step or 0) for name, value in metrics.items()]
        with self._errors():
            for start in range(0, len(entries), MAX_METRICS_PER_BATCH):
                self._client.log_batch(self.id, metrics=entries[start : start + MAX_METRICS_PER_BATCH])

    def log_tags(self, tags: Mapping[str, str]) -> None:
        with self._errors():
            self._client.log_batch(self.id, tags=[RunTag(name, value) for name, value in tags.items()])

    def log_dataset(self, version: DatasetVersion, context: str) -> None:
        """Name ``version`` as an input of the run.

        MLflow cuts digests at 36 characters, so the full id stands in the input's tags. MLflow keeps one context for
        each dataset of a run, hence the context in the dataset's name.
        """
        dataset = Dataset(
            name=f"{version.site} {context}",
            digest=version.id[:MAX_DATASET_DIGEST_SIZE],
            source_type="local",
            source=json.dumps({"uri": version.path}),
            profile=json.dumps({"rows": {split.value: count for split, count in version.rows.items()}}),
        )
        tags = [InputTag(MLFLOW_DATASET_CONTEXT, context), InputTag(_DATASET_ID, version.id)]
        with self._errors():
            self._client.log_inputs(self.id, datasets=[DatasetInput(dataset, tags)])

    def log_text(self, text: str, path: str) -> None:
        """Write ``text`` as the artifact ``path`` (relative, with ``/``)."""
        with self._errors():
            self._client.log_text(self.id, text, path)

    def log_json(self, obj: object, path: str) -> None:
        self.log_text(json.dumps(obj, indent=2, ensure_ascii=False, default=str), path)

    def log_table(self, rows: Sequence[Mapping[str, object]], path: str) -> None:
        """Write ``rows`` (all with the keys of the first) as a table that MLflow's page can show; ``path`` is *.json.

        ``MlflowClient.log_table`` of MLflow 3.17 warns on pandas 3, so its file format and its tag are written here.
        """
        columns = list(rows[0]) if rows else []
        self.log_json({"columns": columns, "data": [[row[name] for name in columns] for row in rows]}, path)
        with self._errors():
            tables = json.loads(self._client.get_run(self.id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
            entry = {"path": path, "type": "table"}
            if entry not in tables:
                self._client.set_tag(self.id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([*tables, entry]))

    def log_image(self, image: Image, path: str) -> None:
        with self._errors():
            self._client.log_image(self.id, image, path)

    def log_folder(self, folder: Path, path: str) -> None:
        """Copy the files under ``folder`` to the artifact folder ``path``."""
        with self._errors():
            self._client.log_artifacts(self.id, str(folder), path)

    def log_file(self, file: Path, path: str = "") -> None:
        """Copy ``file`` into the artifact folder ``path`` (empty: the run's own)."""
        with self._errors():
            self._client.log_artifact(self.id, str(file), path or None)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with mlflow_errors(self._client.tracking_uri):
            yield


class Tracker:
    """The runs at one MLflow address; nothing is opened before the first call. New runs bear the name ``job``."""

    def __init__(self, tracking_uri: str, artifacts_dir: Path, *, job: str = "") -> None:
        self.uri = tracking_uri
        self._artifacts_dir, self._job = artifacts_dir, job

    @cached_property
    def client(self) -> MlflowClient:
        with mlflow_errors(self.uri):
            if (parts := urlsplit(self.uri)).scheme == "sqlite":
                Path(parts.path.removeprefix("/")).parent.mkdir(parents=True, exist_ok=True)
            return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    @contextmanager
    def run(self, site: str, name: str, *, kind: str, tags: Mapping[str, str] | None = None) -> Iterator[RunLog]:
        """Open a run of ``site``: FAILED by an exception inside the block, KILLED by an interrupt, else FINISHED."""
        with mlflow_errors(self.uri):
            labels = {_KIND: kind, _SITE: site, **({_JOB: self._job} if self._job else {}), **(tags or {})}
            run_id = self.client.create_run(self._experiment_id(site), run_name=name, tags=labels).info.run_id
        state = "KILLED"
        try:
            yield RunLog(self.client, run_id)
            state = "FINISHED"
        except Exception:
            state = "FAILED"
            raise
        finally:
            with mlflow_errors(self.uri):
                self.client.set_terminated(run_id, state)

    @contextmanager
    def reopen(self, run_id: str) -> Iterator[RunLog]:
        """Add to a run that has ended; how and when it ended stays as it was."""
        yield RunLog(self.client, self.get(run_id).id)

    def end_runs_of(self, site: str, job: str) -> None:
        """End as KILLED what ``job`` left open at ``site`` when its process was killed."""
        for run in self.runs(site):
            if run.state == "RUNNING" and run.tags.get(_JOB) == job:
                with mlflow_errors(self.uri):
                    self.client.set_terminated(run.id, "KILLED")

    def runs(self, site: str, kind: str | None = None) -> list[RunSummary]:
        """Return the site's runs, newest first; none when nothing was ever tracked for it."""
        with mlflow_errors(self.uri):
            experiment = self.client.get_experiment_by_name(site)
            if experiment is None:
                return []
            wanted = f"tags.`{_KIND}` = '{kind}'" if kind else ""
            return [_summary(run) for run in self._search([experiment.experiment_id], wanted)]

    def get(self, run_id: str) -> RunSummary:
        """Return the run with this id or unique beginning of an id (NotFoundError otherwise)."""
        found = self._matching(run_id) if run_id.isalnum() else []
        if len(found) != 1:
            raise NotFoundError(
                expected="the id of one run, or enough of its beginning to name just one",
                found=f"{run_id!r}, which fits {len(found)}",
                remedy="look the id up under Runs in the workbench or on MLflow's page",
            )
        return _summary(found[0])

    def history(self, run_id: str, metric: str) -> list[tuple[int, float]]:
        """Return every (step, value) of a run's metric in the order of steps; empty when it was never logged."""
        with mlflow_errors(self.uri):
            points = self.client.get_metric_history(run_id, metric)
        return sorted((point.step, point.value) for point in points)

    def folder(self, run_id: str, path: str) -> Path:
        """Return a local folder with the artifacts under ``path``, downloaded where MLflow keeps them elsewhere."""
        folder = self._local_artifact(self.get(run_id).id, path)
        if not folder.is_dir():
            raise TrackingError(
                expected=f"the artifact folder {path!r} of run {run_id}",
                found="no such folder",
                remedy="choose a run that finished, or tune again",
            )
        return folder

    def file(self, run_id: str, path: str) -> Path | None:
        """Return a local copy of the artifact file ``path``; None when the run has no such artifact."""
        parent = path.rpartition("/")[0] or None
        with mlflow_errors(self.uri):
            known = {entry.path for entry in self.client.list_artifacts(run_id, parent)}
        return self._local_artifact(run_id, path) if path in known else None

    def _local_artifact(self, run_id: str, path: str) -> Path:
        with mlflow_errors(self.uri):
            artifact_uri = urlsplit(self.client.get_run(run_id).info.artifact_uri)
            if artifact_uri.scheme in ("", "file"):
                return Path(url2pathname(artifact_uri.path)) / path
            target = self._artifacts_dir / "downloaded" / run_id
            target.mkdir(parents=True, exist_ok=True)
            return Path(self.client.download_artifacts(run_id, path, str(target)))

    def _experiment_id(self, site: str) -> str:
        if (experiment := self.client.get_experiment_by_name(site)) is not None:
            return str(experiment.experiment_id)
        remote = urlsplit(self.uri).scheme in ("http", "https")
        location = None if remote else (self._artifacts_dir / site).resolve().as_uri()
        try:
            return str(self.client.create_experiment(site, artifact_location=location))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            return self._experiment_id(site)

    def _matching(self, run_id: str) -> list[Run]:
        with mlflow_errors(self.uri):
            experiments = [experiment.experiment_id for experiment in self.client.search_experiments()]
            return self._search(experiments, f"attributes.run_id LIKE '{run_id}%'")

    def _search(self, experiment_ids: list[str], wanted: str) -> list[Run]:
        order = ["attributes.start_time DESC"]
        page = self.client.search_runs(experiment_ids, wanted, order_by=order)
        runs = list(page)
        while page.token:
            page = self.client.search_runs(experiment_ids, wanted, order_by=order, page_token=page.token)
            runs.extend(page)
        return runs


def _summary(run: Run) -> RunSummary:
    tags = run.data.tags
    return RunSummary(
        id=run.info.run_id,
        name=run.info.run_name,
        kind=tags.get(_KIND, ""),
        site=tags.get(_SITE, ""),
        state=run.info.status,
        started_at=_from_ms(run.info.start_time),
        ended_at=_from_ms(run.info.end_time) if run.info.end_time else None,
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags={name: value for name, value in tags.items() if not name.startswith("mlflow.")},
        datasets=_datasets(run),
    )


def _datasets(run: Run) -> dict[str, str]:
    datasets = {}
    for entry in run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in entry.tags}
        datasets[tags.get(MLFLOW_DATASET_CONTEXT, "")] = tags.get(_DATASET_ID, entry.dataset.digest)
    return datasets


def _from_ms(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


def _without_credentials(text: str, uri: str) -> str:
    credentials = urlsplit(uri).netloc.rpartition("@")[0]
    return text.replace(f"{credentials}@", "") if credentials else text
