"""What the entries of a journal mean to MLflow; carrying one out twice is the same as once."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_LOGGED_ARTIFACTS
from mlflow.utils.validation import MAX_DATASET_DIGEST_SIZE, MAX_METRICS_PER_BATCH, MAX_PARAMS_TAGS_PER_BATCH

from workbench.domain import DatasetVersion
from workbench.tracking.connection import FAULTS
from workbench.tracking.journal import Entry

__all__ = [
    "DATASET_ID",
    "carry_out",
    "dataset_entry",
    "end_entry",
    "file_entry",
    "metrics_entry",
    "params_entry",
    "table_entry",
    "tags_entry",
]

DATASET_ID = "workbench.dataset_id"


def metrics_entry(values: Mapping[str, float], step: int, at: datetime) -> Entry:
    return {"do": "metrics", "values": dict(values), "step": step, "at_ms": _ms(at)}


def params_entry(values: Mapping[str, str]) -> Entry:
    return {"do": "params", "values": dict(values)}


def tags_entry(values: Mapping[str, str]) -> Entry:
    return {"do": "tags", "values": dict(values)}


def dataset_entry(version: DatasetVersion, context: str) -> Entry:
    """Name ``version`` as an input of the run.

    MLflow cuts digests at 36 characters, so the full id stands in the input's tags. MLflow keeps one context for each
    dataset of a run, hence the context in the dataset's name.
    """
    rows = {split.value: count for split, count in version.rows.items()}
    return {
        "do": "dataset",
        "name": f"{version.site} {context}",
        "id": version.id,
        "uri": version.path,
        "rows": rows,
        "context": context,
    }


def file_entry(source: Path, copy: Path, path: str) -> Entry:
    """Bring ``source``, a file or what is in a folder, to the artifact folder ``path``; its ``copy`` where there is."""
    return {"do": "file", "source": str(source), "copy": str(copy), "path": path}


def table_entry(path: str) -> Entry:
    """Tell MLflow's page that the artifact ``path`` is a table."""
    return {"do": "table", "path": path}


def end_entry(state: str, at: datetime) -> Entry:
    return {"do": "end", "state": state, "at_ms": _ms(at)}


def carry_out(client: MlflowClient, run_id: str, entries: Sequence[Entry]) -> None:
    """Bring ``entries``, several only where all are metrics, to MLflow; raises one of FAULTS."""
    try:
        if entries[0]["do"] == "metrics":
            _log_metrics(client, run_id, entries)
        else:
            _ACTIONS[entries[0]["do"]](client, run_id, entries[0])
    except FAULTS:
        raise
    except Exception as error:
        raise OSError(str(error)) from error  # a store of artifacts raises what its own library does


def _log_metrics(client: MlflowClient, run_id: str, entries: Sequence[Entry]) -> None:
    """MLflow's database keeps a point with the same name, step, time and value once, however often it comes."""
    points = [
        Metric(name, value, entry["at_ms"], entry["step"])
        for entry in entries
        for name, value in entry["values"].items()
    ]
    for start in range(0, len(points), MAX_METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=points[start : start + MAX_METRICS_PER_BATCH])


def _log_params(client: MlflowClient, run_id: str, entry: Entry) -> None:
    params = [Param(name, value) for name, value in entry["values"].items()]
    for start in range(0, len(params), MAX_PARAMS_TAGS_PER_BATCH):
        client.log_batch(run_id, params=params[start : start + MAX_PARAMS_TAGS_PER_BATCH])


def _log_tags(client: MlflowClient, run_id: str, entry: Entry) -> None:
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in entry["values"].items()])


def _log_dataset(client: MlflowClient, run_id: str, entry: Entry) -> None:
    dataset = Dataset(
        name=entry["name"],
        digest=entry["id"][:MAX_DATASET_DIGEST_SIZE],
        source_type="local",
        source=json.dumps({"uri": entry["uri"]}),
        profile=json.dumps({"rows": entry["rows"]}),
    )
    tags = [InputTag(MLFLOW_DATASET_CONTEXT, entry["context"]), InputTag(DATASET_ID, entry["id"])]
    client.log_inputs(run_id, datasets=[DatasetInput(dataset, tags)])


def _log_file(client: MlflowClient, run_id: str, entry: Entry) -> None:
    found = [path for path in (Path(entry["copy"]), Path(entry["source"])) if path.exists()]
    if not found:
        raise MlflowException(f"{entry['source']} was deleted before MLflow had it", INVALID_PARAMETER_VALUE)
    source = found[0]
    if source.is_dir():
        client.log_artifacts(run_id, str(source), entry["path"] or None)
    else:
        client.log_artifact(run_id, str(source), entry["path"] or None)


def _log_table(client: MlflowClient, run_id: str, entry: Entry) -> None:
    tables = json.loads(client.get_run(run_id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
    table = {"path": entry["path"], "type": "table"}
    if table not in tables:
        client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([*tables, table]))


def _lost(client: MlflowClient, run_id: str, entry: Entry) -> None:
    raise MlflowException("something that was damaged on the disk before MLflow had it", INVALID_PARAMETER_VALUE)


def _end(client: MlflowClient, run_id: str, entry: Entry) -> None:
    client.set_terminated(run_id, entry["state"], entry["at_ms"])


_ACTIONS: Mapping[str, Callable[[MlflowClient, str, Entry], None]] = {
    "params": _log_params,
    "tags": _log_tags,
    "dataset": _log_dataset,
    "file": _log_file,
    "table": _log_table,
    "end": _end,
    "lost": _lost,
}


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
