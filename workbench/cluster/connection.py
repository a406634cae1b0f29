"""Reaching the cluster that the settings name."""

import importlib.util
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from workbench.errors import ServiceError, UsageError

__all__ = ["connected", "require_cluster"]

_KNOCK_S = 5.0


@dataclass
class _Shared:
    """The one connection that Ray has for all threads of a process, and how many blocks hold it."""

    turn: threading.Lock
    blocks: int = 0


_SHARED = _Shared(threading.Lock())


@contextmanager
def connected(address: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Be a driver of the cluster at ``address`` in the block; its processes get ``environment``.

    Blocks within another, or in other threads, share one connection. What they started and did not end is ended with
    the last of them. UsageError without an address or without Ray, ServiceError when no cluster answers.
    """
    require_cluster(address)
    with _SHARED.turn:
        if not _SHARED.blocks:
            _connect(address, environment)
        _SHARED.blocks += 1
    try:
        yield
    finally:
        with _SHARED.turn:
            _SHARED.blocks -= 1
            if not _SHARED.blocks:
                _disconnect()


def require_cluster(address: str) -> None:
    """Raise UsageError without an address or without Ray, ServiceError where nobody listens at the address."""
    if not address:
        raise UsageError(
            expected="the address of a Ray cluster in WORKBENCH_RAY_ADDRESS",
            found="none",
            remedy="set it, e.g. to 127.0.0.1:6379 after `ray start --head`, or set launcher to local in the recipe",
        )
    _require_library()
    _require_listener(address)


def _connect(address: str, environment: Mapping[str, str]) -> None:
    import ray
    from ray.exceptions import RayError

    ours = _handlers()
    try:
        ray.init(
            address=address,
            runtime_env={"env_vars": dict(environment)},
            log_to_driver=False,
            logging_level="ERROR",
            configure_logging=False,
        )
    except (RayError, RuntimeError, ValueError, OSError) as exc:
        told = str(exc).strip() or type(exc).__name__
        raise _no_cluster(address, told.splitlines()[0].rstrip(".")) from exc
    finally:
        _restore(ours)


def _disconnect() -> None:
    import ray

    ours = _handlers()
    try:
        ray.shutdown()
    finally:
        _restore(ours)


def _require_library() -> None:
    if importlib.util.find_spec("ray") is None:
        raise UsageError(
            expected="the package ray",
            found="an installation without it",
            remedy="run `pip install 'site-workbench[cluster]'` on every machine of the cluster",
        )


def _require_listener(address: str) -> None:
    """Knock first: Ray itself waits for minutes where nobody listens."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), _KNOCK_S).close()
    except (OSError, ValueError, OverflowError) as exc:
        raise _no_cluster(address, getattr(exc, "strerror", None) or str(exc)) from exc


def _no_cluster(address: str, found: str) -> ServiceError:
    return ServiceError(
        expected=f"a Ray cluster at {address}, of which this machine is a node",
        found=found,
        remedy=f"run `ray start --address={address}` here with the cluster's token, or correct WORKBENCH_RAY_ADDRESS",
    )


def _handlers() -> Mapping[signal.Signals, object]:
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _restore(handlers: Mapping[signal.Signals, object]) -> None:
    """Take the signals back that Ray answers by ending the process at once, before a run could undo anything."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in handlers.items():
        signal.signal(number, handler)  # type: ignore[arg-type]
