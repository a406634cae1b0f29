"""A child process that reads a stream, which can be killed when a library below hangs.

The address travels through a pipe, never among the process's arguments. A second pipe is the child's leash: when its
other end closes, because the parent lets go or died in whatever way, the child ends within seconds, even from inside
a read that hangs.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

from workbench.errors import FootageError
from workbench.footage.stream_decoder import without_pictures
from workbench.footage.stream_messages import Failure, Message, Started
from workbench.footage.stream_reading import Probing, Reading

__all__ = ["read_for_parent", "reader_process"]

_LEASH_CHECK_S = 1.0
_GRACE_S = 1.0


@contextmanager
def reader_process(work: Reading | Probing) -> "Iterator[Connection[Message, Message]]":
    """Run ``work`` in a child process and yield the end of the pipe on which it tells its messages.

    On leaving, the child has time to take leave of the camera, and is gone afterwards.

    Raises:
        FootageError: No process can be started.
    """
    receiver, sink = Pipe(duplex=False)
    leash_end, leash = Pipe(duplex=False)
    with receiver, leash:
        with sink, leash_end:
            child = _start(work, leash_end, sink)
        try:
            with suppress(BrokenPipeError):
                leash.send(work)
            yield receiver
        finally:
            leash.close()
            receiver.close()
            with suppress(subprocess.TimeoutExpired):
                child.wait(2 * _GRACE_S)
            child.kill()
            child.wait()


def read_for_parent() -> None:
    """Do what the parent asks for on its pipe; the child's main function."""
    leash_end: Connection[Any, Any] = Connection(int(sys.argv[1]), writable=False)
    sink: Connection[Any, Any] = Connection(int(sys.argv[2]), readable=False)
    try:
        work: Reading | Probing = leash_end.recv()
    except EOFError:
        return
    let_go = threading.Event()
    threading.Thread(target=_heed, args=(leash_end, os.getppid(), let_go), daemon=True).start()
    with suppress(BrokenPipeError), sink, closing(_messages(work)) as messages:
        for message in messages:
            sink.send(message)
            if let_go.is_set():
                break


def _start(
    work: Reading | Probing, leash_end: "Connection[Any, Any]", sink: "Connection[Any, Any]"
) -> subprocess.Popen[bytes]:
    """Start a child that imports what this process would, in a process group that no Ctrl-C reaches.

    It is not ``multiprocessing``, whose children load the parent's main module: a whole web server per camera.
    """
    main = f"from {__name__} import {read_for_parent.__name__}; {read_for_parent.__name__}()"
    pipes = leash_end.fileno(), sink.fileno()
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", main, *map(str, pipes)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=pipes,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            process_group=0,
        )
    except OSError as exc:
        raise without_pictures(work.url, f"no process to read it ({exc.strerror})") from exc


def _messages(work: Reading | Probing) -> Generator[Message]:
    yield Started()
    try:
        yield from work.messages()
    except FootageError as error:
        yield Failure.of(error)


def _heed(leash_end: "Connection[Any, Any]", parent_pid: int, let_go: threading.Event) -> None:
    """End the process soon after the leash is let go; nobody ever writes to it.

    The parent is looked for as well: a process that it forked may still hold the leash's other end.
    """
    while os.getppid() == parent_pid and not leash_end.poll(_LEASH_CHECK_S):
        pass
    let_go.set()
    time.sleep(_GRACE_S)
    os._exit(1)
