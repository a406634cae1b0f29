"""A real Ray cluster: two nodes, each a raylet of its own with one core, on this machine."""

from collections.abc import Iterator

import pytest

from tests.tuning.conftest import base_dir, frames
from tests.tuning.test_workflow import dock, home

__all__ = ["base_dir", "dock", "frames", "home"]


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": True, "dashboard_port": 0}
    )
    cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture(autouse=True)
def on_the_cluster(ray_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_RAY_ADDRESS", ray_address)
