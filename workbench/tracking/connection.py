"""How MLflow is loaded, quietly, and what its errors mean.

Importing this module loads MLflow (about two seconds), so faces reach it through the workspace only.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from workbench.errors import TrackingError
from workbench.settings import NO_TELEMETRY

os.environ.update(NO_TELEMETRY)
for _name, _value in {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}.items():
    os.environ.setdefault(_name, _value)

from mlflow.exceptions import MlflowException  # noqa: E402
from sqlalchemy.exc import SQLAlchemyError  # noqa: E402

__all__ = ["FAULTS", "is_refusal", "mlflow_errors", "without_credentials"]

FAULTS = (MlflowException, SQLAlchemyError, OSError)
"""What an unwilling MLflow raises."""

_REFUSALS = {"INVALID_PARAMETER_VALUE", "MALFORMED_REQUEST", "RESOURCE_DOES_NOT_EXIST"}

for _noisy in ("mlflow.store.db.utils", "urllib3.connectionpool"):
    logging.getLogger(_noisy).setLevel(logging.CRITICAL)  # each prints what is raised and told as one sentence anyway


def is_refusal(error: BaseException) -> bool:
    """Tell whether MLflow would say the same again; what else goes wrong, a lapsed password too, can be mended."""
    return isinstance(error, MlflowException) and error.error_code in _REFUSALS


@contextmanager
def mlflow_errors(uri: str) -> Iterator[None]:
    """Turn what MLflow at ``uri`` refuses inside the block into a :class:`TrackingError`."""
    try:
        yield
    except FAULTS as error:
        raise TrackingError(
            expected=f"MLflow at {without_credentials(uri, uri)} to answer",
            found=without_credentials(_said(error), uri),
            remedy="run `workbench doctor`, or check WORKBENCH_MLFLOW_TRACKING_URI and the disk's free space",
        ) from error


def _said(error: Exception) -> str:
    text = str(error).partition("\n")[0].rstrip(".")
    if "Max retries exceeded" not in text:
        return text
    return "nobody there: the connection was refused" if "refused" in text else "no answer, tried several times"


def without_credentials(text: str, uri: str) -> str:
    credentials = urlsplit(uri).netloc.rpartition("@")[0]
    return text.replace(f"{credentials}@", "") if credentials else text
