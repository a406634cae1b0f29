"""Commands in the cluster's own queue (Ray Jobs), followed from here."""

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ray.job_submission import JobStatus, JobSubmissionClient

from workbench.cluster.connection import require_cluster
from workbench.errors import ServiceError

__all__ = ["Needs", "run_remotely"]

_LOOK_S = 1.0
_PATIENCE_S = 60.0
_NOT_YET = "No available agent"


@dataclass(frozen=True)
class Needs:
    """What a command takes for itself; it waits in the cluster's queue until that is free."""

    cpus: float = 1.0
    gpus: float = 0.0


def run_remotely(
    argv: Sequence[str],
    *,
    address: str,
    name: str,
    environment: Mapping[str, str],
    needs: Needs,
    say: Callable[[str], None],
) -> int:
    """Put ``argv`` into the queue of the cluster at ``address`` and follow it; returns its exit code.

    What it prints goes to ``say``. An interrupt here ends it there. ServiceError when the cluster does not take it.
    """
    require_cluster(address)
    try:
        client = JobSubmissionClient(address)
        job = _submitted(
            client,
            entrypoint=shlex.join(argv),
            submission_id=name,
            runtime_env={"env_vars": dict(environment)},
            entrypoint_num_cpus=needs.cpus,
            entrypoint_num_gpus=needs.gpus,
        )
    except (ConnectionError, RuntimeError, ValueError) as exc:
        raise ServiceError(
            expected=f"the Ray cluster at {address} to take a job",
            found=str(exc).strip().splitlines()[-1].rstrip("."),
            remedy="start its head with the dashboard, which holds the queue: pip install 'ray[default]'",
        ) from exc
    say(f"In the queue of the cluster at {address}, as {job}.\n")
    try:
        return _followed(client, job, say)
    except BaseException:
        client.stop_job(job)
        raise


def _submitted(client: JobSubmissionClient, **job: Any) -> str:
    """Put a job into the queue, which for a while after the head's start takes none."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return str(client.submit_job(**job))
        except RuntimeError as exc:
            if _NOT_YET not in str(exc) or time.monotonic() > give_up_at:
                raise
            time.sleep(_LOOK_S)


def _followed(client: JobSubmissionClient, job: str, say: Callable[[str], None]) -> int:
    said = 0
    while True:
        details = client.get_job_info(job)
        text = client.get_job_logs(job)
        say(text[said:])
        said = len(text)
        if details.status == JobStatus.SUCCEEDED:
            return 0
        if details.status.is_terminal():
            return details.driver_exit_code or 1
        time.sleep(_LOOK_S)
