"""Processes of the cluster that train together, replaced where they are lost (Ray Train)."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.torch import TorchTrainer
from ray.train.v2.api.exceptions import ControllerError, TrainingFailedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from workbench.cluster.resources import Share, share_for
from workbench.errors import ServiceError, WorkbenchError

__all__ = ["Plan", "Tell", "train_together"]

Tell = Callable[..., None]
"""Says something (its name, and what there is to say) to the process that waits for the workers."""
_LISTEN_S = 0.2
_AGREE_S = 5.0
_Outcome = TypeVar("_Outcome")


@dataclass(frozen=True)
class Plan:
    """How many workers there are, how often lost ones are replaced, and where Ray keeps the state of the run."""

    workers: int
    max_failures: int
    state_dir: Path


def train_together(work: Callable[[Tell], _Outcome], plan: Plan, hear: Tell) -> _Outcome:
    """Let every worker do ``work`` in one process group of torch, and return what the first of them returns.

    ``hear`` gets, in order and in this thread, what they tell. A WorkbenchError of a worker is raised here;
    ServiceError when the cluster is too small, or when workers are lost more often than the plan allows.
    """
    share = share_for(plan.workers)
    mailbox = _mailbox_here()
    fitted = _in_background(partial(_fit, partial(_work, work, mailbox), plan, share))
    try:
        while not wait([fitted], _LISTEN_S).done:
            _pass_on(mailbox, hear)
        _pass_on(mailbox, hear)
        refusal, outcome = ray.get(mailbox.end.remote())
    finally:
        ray.kill(mailbox)  # without which workers that still work come to their end
    if refusal is not None:
        raise refusal
    try:
        fitted.result()
    except TrainingFailedError as exc:
        raise ServiceError(
            expected=f"workers that are lost no more than {plan.max_failures} times",
            found=str(exc).strip().splitlines()[-1].partition(". ")[0].rstrip("."),
            remedy="look into Ray's logs on the machines; `workbench tune --resume` goes on from the last checkpoint",
        ) from exc
    told: _Outcome = outcome
    return told


def _fit(work: Callable[[], None], plan: Plan, share: Share) -> None:
    """Let Ray's controller see to the workers, or another one where it breaks down as a worker is lost."""
    for attempt in range(plan.max_failures + 1):
        trainer = TorchTrainer(
            work,
            scaling_config=ScalingConfig(
                num_workers=share.workers, use_gpu=share.gpus > 0, resources_per_worker={"CPU": share.cores}
            ),
            run_config=RunConfig(
                name=f"workers-{attempt}",
                storage_path=str(plan.state_dir),
                failure_config=FailureConfig(plan.max_failures),
            ),
        )
        try:
            trainer.fit()
        except ControllerError:
            if attempt == plan.max_failures:
                raise
        else:
            return


def _mailbox_here() -> Any:
    """Return a mailbox on the machine that listens, as a machine of workers may be lost."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    return ray.remote(num_cpus=0, scheduling_strategy=here)(_Mailbox).remote()


def _in_background(work: Callable[[], _Outcome]) -> "Future[_Outcome]":
    """Work in a thread that the process does not wait for when it ends; in the main one Ray would take its signals."""
    result: Future[_Outcome] = Future()

    def answer() -> None:
        try:
            result.set_result(work())
        except BaseException as exc:  # noqa: BLE001
            result.set_exception(exc)

    threading.Thread(target=answer, daemon=True).start()
    return result


class _Mailbox:
    """What workers have told and nobody has heard yet, and how their work ended."""

    def __init__(self) -> None:
        self._messages: list[tuple[Any, ...]] = []
        self._refusals: list[WorkbenchError] = []
        self._outcome: Any = None

    def put(self, *message: Any) -> None:
        self._messages.append(message)

    def take(self) -> list[tuple[Any, ...]]:
        taken, self._messages = self._messages, []
        return taken

    def refuse(self, error: WorkbenchError) -> None:
        self._refusals.append(error)

    def refused(self) -> int:
        return len(self._refusals)

    def finish(self, outcome: Any) -> None:
        self._outcome = outcome

    def end(self) -> tuple[WorkbenchError | None, Any]:
        return next(iter(self._refusals), None), self._outcome


def _work(work: Callable[[Tell], object], mailbox: Any) -> None:
    """Work, unless a worker refused to: Ray starts everybody again where others go on, as when one is lost."""
    if ray.get(mailbox.end.remote())[0] is not None:
        return

    def tell(*message: Any) -> None:
        ray.get(mailbox.put.remote(*message))  # a worker that is lost takes with it what is still on its way

    try:
        outcome = work(tell)
    except WorkbenchError as error:
        ray.get(mailbox.refuse.remote(error))
        if not _all_refuse(mailbox):
            raise
        return
    if ray.train.get_context().get_world_rank() == 0:
        ray.get(mailbox.finish.remote(outcome))


def _all_refuse(mailbox: Any) -> bool:
    """Tell whether within some seconds every worker refuses: then none waits for another, and none need start again."""
    workers, give_up_at = ray.train.get_context().get_world_size(), time.monotonic() + _AGREE_S
    while (refused := ray.get(mailbox.refused.remote())) < workers and time.monotonic() < give_up_at:
        time.sleep(_LISTEN_S)
    return bool(refused == workers)


def _pass_on(mailbox: Any, hear: Tell) -> None:
    for message in ray.get(mailbox.take.remote()):
        hear(*message)
