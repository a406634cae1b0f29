"""What a cluster has to give."""

import math
from dataclasses import dataclass

import ray

from workbench.errors import ServiceError

__all__ = ["Machine", "Share", "machines", "share_for"]

_GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """A node of the cluster, and what it has in all."""

    address: str
    cores: int
    gpus: int
    memory_gib: float


def machines() -> list[Machine]:
    """Return the nodes that are alive."""
    return [
        Machine(
            address=node["NodeManagerAddress"],
            cores=int(node["Resources"].get("CPU", 0)),
            gpus=int(node["Resources"].get("GPU", 0)),
            memory_gib=node["Resources"].get("memory", 0) / _GIB,
        )
        for node in ray.nodes()
        if node["Alive"]
    ]


@dataclass(frozen=True)
class Share:
    """What each of ``workers`` gets: a GPU, or some cores."""

    workers: int
    gpus: int
    cores: int


def share_for(workers: int | None = None) -> Share:
    """Return a GPU for each of ``workers`` where there are as many, and else an equal share of the machines' cores.

    None stands for as many as there are GPUs, or machines. ServiceError when the cluster is too small.
    """
    found = machines()
    gpus, cores = sum(one.gpus for one in found), [one.cores for one in found if one.cores]
    workers = workers or gpus or len(cores)
    if gpus >= workers > 0:
        return Share(workers, gpus=1, cores=1)
    if not 0 < workers <= sum(cores):
        raise ServiceError(
            expected=f"{workers or 'some'} GPUs or cores in the cluster, one for each worker",
            found=f"{gpus} GPUs and {sum(cores)} cores",
            remedy="set scaling.num_workers lower, or add machines",
        )
    return Share(workers, gpus=0, cores=max(1, min(cores) // math.ceil(workers / len(cores))))
