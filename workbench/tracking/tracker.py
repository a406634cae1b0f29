"""The runs at one MLflow address: opening, resuming, reading and catching up with what MLflow has yet to hear."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_PARENT_RUN_ID

from workbench.errors import NotFoundError, StorageError, TrackingError, UsageError, WorkbenchError
from workbench.tracking.connection import FAULTS, mlflow_errors, without_credentials
from workbench.tracking.courier import deliver
from workbench.tracking.entries import DATASET_ID, carry_out, end_entry
from workbench.tracking.journal import Journal, Opening, read_opening
from workbench.tracking.run_log import RunLog

__all__ = ["RunSummary", "Tracker"]

_log = logging.getLogger(__name__)
_KIND, _SITE, _JOB = "workbench.kind", "workbench.site", "workbench.job"
_REST_S = 30.0
"""Seconds before an MLflow that was away is asked again to take what is kept for it."""
_HASTE_S = 5.0
"""How long the end of an interrupted run waits: somebody wants it to be over."""


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

    @property
    def job(self) -> str:
        """Return the name of the job that worked on the run last; empty where a command did."""
        return self.tags.get(_JOB, "")


class Tracker:
    """The runs at one MLflow address; nothing is opened before the first call. New runs bear the name ``job``.

    What MLflow has not heard yet lies in folders beside ``artifacts_dir``. Whoever reads or opens runs delivers what
    ended processes left there.
    """

    def __init__(self, tracking_uri: str, artifacts_dir: Path, *, job: str = "") -> None:
        self.uri = tracking_uri
        self._artifacts_dir, self._job = artifacts_dir, job
        self._undelivered_dir = artifacts_dir.parent / "undelivered"
        self._asked_at_s = -_REST_S

    @cached_property
    def client(self) -> MlflowClient:
        with mlflow_errors(self.uri):
            if (parts := urlsplit(self.uri)).scheme == "sqlite":
                Path(parts.path.removeprefix("/")).parent.mkdir(parents=True, exist_ok=True)
            return MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)

    def require(self) -> None:
        """Raise TrackingError unless MLflow answers: ask before work whose outcome it is to keep."""
        with mlflow_errors(self.uri):
            self.client.search_experiments(max_results=1)

    @contextmanager
    def run(
        self, site: str, name: str, *, kind: str, tags: Mapping[str, str] | None = None, parent: str | None = None
    ) -> Iterator[RunLog]:
        """Open a run of ``site``: FAILED by an exception inside the block, KILLED by an interrupt, else FINISHED.

        MLflow shows it below the run ``parent``, where one is given.
        """
        with mlflow_errors(self.uri):
            labels = {_KIND: kind, _SITE: site, **({_JOB: self._job} if self._job else {}), **(tags or {})}
            if parent is not None:
                labels[MLFLOW_PARENT_RUN_ID] = parent
            run_id = self.client.create_run(self._experiment_id(site), run_name=name, tags=labels).info.run_id
        with self._until_it_ends(run_id, {}) as run:
            yield run

    @contextmanager
    def resume(self, run_id: str) -> Iterator[RunLog]:
        """Run on what was stopped: RUNNING again, for the job at hand, and ended as ``run`` ends one.

        Steps that it has already are not logged again, so that each of its curves has every step once. Raises
        UsageError when a process still works on it.
        """
        self.deliver()
        if any(opening.run_id == run_id and opening.ends_run for opening, _ in self._undelivered()):
            raise UsageError(
                expected=f"run {run_id} to have stopped",
                found="a process that still works on it",
                remedy="wait for it, or cancel its job",
            )
        with mlflow_errors(self.uri):
            known = {name: {step for step, _ in self.history(run_id, name)} for name in self.get(run_id).metrics}
            self.client.update_run(run_id, status="RUNNING")
            if self._job:
                self.client.set_tag(run_id, _JOB, self._job)
        with self._until_it_ends(run_id, known) as run:
            yield run

    @contextmanager
    def reopen(self, run_id: str) -> Iterator[RunLog]:
        """Add to a run that has ended, by its whole id; how and when it ended stays as it was.

        MLflow need not answer: what was found out at some cost is kept for it.
        """
        run = self._log(Opening(run_id, self._plain_uri, ends_run=False), {})
        try:
            yield run
        finally:
            run.close()

    def deliver(self) -> None:
        """Bring MLflow what processes that are gone left behind; a run whose end they did not tell is KILLED.

        Raises TrackingError while MLflow is away; everything is kept then.
        """
        with mlflow_errors(self.uri):
            for opening, folder in self._undelivered():
                if opening.uri == self._plain_uri and (journal := Journal.take(folder)) is not None:
                    self._take_over(journal)

    def undelivered(self) -> dict[str, Path]:
        """Return by run id where lies what ended processes left for MLflow to hear."""
        left = {}
        for opening, folder in self._undelivered():
            if (journal := Journal.take(folder)) is not None:
                journal.close(remove=False)
                left[opening.run_id] = folder
        return left

    def knows_all_of(self, run_id: str) -> bool:
        """Tell whether MLflow has all that was logged on the run of this whole id, to which nobody adds just now."""
        return all(opening.run_id != run_id for opening, _ in self._undelivered())

    def runs(self, site: str, *kinds: str) -> list[RunSummary]:
        """Return the site's runs of ``kinds``, of any where none is named, newest first; [] for an unknown site."""
        self._catch_up()
        with mlflow_errors(self.uri):
            experiment = self.client.get_experiment_by_name(site)
            if experiment is None:
                return []
            filters = [f"tags.`{_KIND}` = '{kind}'" for kind in kinds] or [""]  # MLflow's filters know no "or"
            found = [_summary(run) for wanted in filters for run in self._search([experiment.experiment_id], wanted)]
        return sorted(found, key=lambda run: run.started_at, reverse=True)

    def get(self, run_id: str) -> RunSummary:
        """Return the run with this id or unique beginning of an id (NotFoundError otherwise)."""
        self._catch_up()
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

    @contextmanager
    def _until_it_ends(self, run_id: str, known_steps: Mapping[str, set[int]]) -> Iterator[RunLog]:
        run = self._log(Opening(run_id, self._plain_uri, ends_run=True), known_steps)
        try:
            yield run
        except BaseException as cause:
            failed = isinstance(cause, Exception)
            try:
                _end(run, "FAILED" if failed else "KILLED", None if failed else _HASTE_S)
            except WorkbenchError as consequence:
                _log.warning("Not all that run %s logged is in MLflow. %s", run_id, consequence)
            raise
        _end(run, "FINISHED")

    def _log(self, opening: Opening, known_steps: Mapping[str, set[int]]) -> RunLog:
        try:
            journal = Journal.begin(self._undelivered_dir, opening)
        except StorageError:
            if opening.ends_run:
                with suppress(*FAULTS):
                    self.client.set_terminated(opening.run_id, "FAILED")
            raise
        return RunLog(journal, partial(carry_out, self.client, opening.run_id), known_steps)

    def _take_over(self, journal: Journal) -> None:
        """Deliver what ``journal`` holds; it stays where it is when MLflow is away."""
        is_delivered = False
        try:
            if journal.opening.ends_run and not journal.has_ended():
                journal.append(end_entry("KILLED", journal.last_written()))
            refusal = deliver(journal, partial(carry_out, self.client, journal.opening.run_id))
            is_delivered = True
            if refusal is not None:
                _log.warning("Some of what run %s logged is left out. %s", journal.opening.run_id, refusal)
        finally:
            journal.close(remove=is_delivered)

    def _catch_up(self) -> None:
        """Deliver what waits, unless that failed a moment ago."""
        if time.monotonic() - self._asked_at_s >= _REST_S and any(self._undelivered()):
            try:
                self.deliver()
            except (TrackingError, StorageError):
                self._asked_at_s = time.monotonic()

    def _undelivered(self) -> list[tuple[Opening, Path]]:
        found = []
        for folder in self._undelivered_dir.glob("*-*"):
            with suppress(OSError, ValueError, TypeError):  # begun or removed at this moment
                found.append((read_opening(folder), folder))
        return found

    @property
    def _plain_uri(self) -> str:
        return without_credentials(self.uri, self.uri)

    def page_of(self, run_id: str, server_url: str) -> str:
        """Return the address of a run's page in MLflow, which serves local state at ``server_url``."""
        with mlflow_errors(self.uri):
            experiment_id = self.client.get_run(run_id).info.experiment_id
        address = self._plain_uri if urlsplit(self.uri).scheme in ("http", "https") else server_url
        return f"{address}/#/experiments/{experiment_id}/runs/{run_id}"

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


def _end(run: RunLog, state: str, patience_s: float | None = None) -> None:
    try:
        run.end(state)
    finally:
        run.close(patience_s)


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
        datasets[tags.get(MLFLOW_DATASET_CONTEXT, "")] = tags.get(DATASET_ID, entry.dataset.digest)
    return datasets


def _from_ms(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)
