"""A run as its writer sees it: everything goes to a journal first, and from there to MLflow."""

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from PIL.Image import Image

from workbench.domain import DatasetVersion, utc_now
from workbench.errors import StorageError
from workbench.tracking.courier import CarryOut, Courier
from workbench.tracking.entries import (
    dataset_entry,
    end_entry,
    file_entry,
    metrics_entry,
    params_entry,
    table_entry,
    tags_entry,
)
from workbench.tracking.journal import Entry, Journal
from workbench.wording import refusal_of

__all__ = ["RunLog"]

_ANSWER_S = 120.0
_PATIENCE_S = 30.0
"""How long the end of a run waits for an MLflow that is away."""


class RunLog:
    """An MLflow run that is being written.

    Metrics go there in the background. Everything else is there when its method returns, unless MLflow is away: then
    it is kept on disk, in order, and delivered when MLflow is back, by a later process if need be. TrackingError is
    what MLflow refuses (a parameter with another value, a run that was deleted), StorageError a full disk.
    """

    def __init__(
        self, journal: Journal, carry_out: CarryOut, known_steps: Mapping[str, Collection[int]] | None = None
    ) -> None:
        self.id = journal.opening.run_id
        self._journal, self._courier = journal, Courier(journal, carry_out)
        self._known_steps = {name: set(steps) for name, steps in (known_steps or {}).items()}

    @property
    def is_delivered(self) -> bool:
        """Tell whether MLflow has everything that was logged so far."""
        return self._courier.is_drained

    def log_params(self, params: Mapping[str, object]) -> None:
        """Write what was chosen before the run; a name that is written again must keep its value."""
        self._write(params_entry({name: str(value) for name, value in params.items()}))

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Write measurements down, to be delivered within seconds."""
        self._journal.append(metrics_entry({name: float(value) for name, value in metrics.items()}, 0, utc_now()))

    def log_step(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write measurements at ``step`` down, to be delivered within seconds.

        What is known of a step already is left out, as a run that goes on from a checkpoint goes through some steps
        again: its curves have each step once.
        """
        new = {name: float(value) for name, value in metrics.items() if step not in self._known_steps.get(name, ())}
        for name in new:
            self._known_steps.setdefault(name, set()).add(step)
        if new:
            self._journal.append(metrics_entry(new, step, utc_now()))

    def log_tags(self, tags: Mapping[str, str]) -> None:
        self._write(tags_entry(tags))

    def log_dataset(self, version: DatasetVersion, context: str) -> None:
        """Name ``version`` as an input of the run, which it was for ``context`` (``training``, ``test``)."""
        self._write(dataset_entry(version, context))

    def log_text(self, text: str, path: str) -> None:
        """Write ``text`` as the artifact ``path`` (relative, with ``/``)."""
        self._log_made(path, lambda file: file.write_text(text, encoding="utf-8"))

    def log_json(self, obj: object, path: str) -> None:
        self.log_text(json.dumps(obj, indent=2, ensure_ascii=False, default=str), path)

    def log_table(self, rows: Sequence[Mapping[str, object]], path: str) -> None:
        """Write ``rows`` (all with the keys of the first) as a table that MLflow's page can show; ``path`` is *.json.

        ``MlflowClient.log_table`` of MLflow 3.17 warns on pandas 3, so its file format and its tag are written here.
        """
        columns = list(rows[0]) if rows else []
        self.log_json({"columns": columns, "data": [[row[name] for name in columns] for row in rows]}, path)
        self._write(table_entry(path))

    def log_image(self, image: Image, path: str) -> None:
        self._log_made(path, image.save)

    def log_folder(self, folder: Path, path: str) -> None:
        """Copy the files under ``folder`` to the artifact folder ``path``."""
        self._log_found(folder, path)

    def log_file(self, file: Path, path: str = "") -> None:
        """Copy ``file`` into the artifact folder ``path`` (empty: the run's own)."""
        self._log_found(file, path)

    def end(self, state: str) -> None:
        self._journal.append(end_entry(state, utc_now()))

    def close(self, patience_s: float | None = None) -> bool:
        """Log no more; return whether MLflow has everything, for which it is given ``patience_s`` to come back."""
        return self._courier.finish(_PATIENCE_S if patience_s is None else patience_s)

    def _write(self, entry: Entry) -> bool:
        self._journal.append(entry)
        return self._courier.deliver_now(_ANSWER_S)

    def _log_made(self, path: str, write: Callable[[Path], object]) -> None:
        folder, _, name = path.rpartition("/")
        with _disk_errors(self._journal.folder):
            file = self._journal.new_file(name)
            write(file)
        if self._write(file_entry(file, file, folder)):
            file.unlink()

    def _log_found(self, source: Path, path: str) -> None:
        """Deliver what lies elsewhere; while MLflow is away a copy is kept, as its owner may delete it."""
        with _disk_errors(self._journal.folder):
            copy = self._journal.new_file(source.name)
            if self._write(file_entry(source.resolve(), copy, path)):
                return
            part = copy.with_name(f"{copy.name}.part")
            if source.is_dir():
                shutil.copytree(source, part)
            else:
                shutil.copyfile(source, part)
            part.rename(copy)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            expected=f"to keep what a run logs in {folder}",
            found=refusal_of(error),
            remedy="free some space or correct the folder's rights",
        ) from error
