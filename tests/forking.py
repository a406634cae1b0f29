"""Processes that begin at once: a server in the background has their modules loaded, and forks.

A process of pytest has one such server, which keeps to the modules that it was started with: all are named here.
"""

from multiprocessing import get_context

__all__ = ["FORKING"]

FORKING = get_context("forkserver")
FORKING.set_forkserver_preload(
    ["tests.tuning.killed_runs", "tests.tuning.test_workers", "tests.workflows.test_push_kills"]
)
