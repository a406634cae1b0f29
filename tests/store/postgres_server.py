"""A real PostgreSQL of the tests' own on loopback, from Debian's package ``postgresql``."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.services import free_port

_STARTING_S = 120.0


def postgres_programs() -> Path | None:
    """Return the folder of the newest installed server's programs, None where there is no server."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return installed[-1].parent if installed else None


@contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Start a server with an empty cluster and yield the SQLAlchemy URL of its database."""
    folder = Path(tempfile.mkdtemp(prefix="workbench-postgres-"))
    identity: dict[str, object] = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:  # the server refuses to run as root, and its package brings a user for it
        shutil.chown(folder, "postgres", "postgres")
        identity |= {"user": "postgres", "group": "postgres", "extra_groups": []}
    initdb = [programs / "initdb", "--pgdata", folder / "data", "--username", "workbench", "--auth", "trust"]
    subprocess.run([*initdb, "--encoding", "UTF8", "--no-sync"], check=True, **identity)
    port = free_port()
    options = ["-D", folder / "data", "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-F"]
    url = f"postgresql+psycopg://workbench@127.0.0.1:{port}/postgres"
    process = subprocess.Popen([programs / "postgres", *options], **identity)
    try:
        _wait_until_it_answers(url, process)
        yield url
    finally:
        process.send_signal(signal.SIGQUIT)  # at once: SIGTERM waits for the clients, and nothing here is kept
        process.wait()
        shutil.rmtree(folder)


def empty_schema(server_url: str) -> str:
    """Make a schema and return a URL in which its tables are the database's tables: quicker than a new database."""
    name = f"store_{uuid4().hex}"
    with psycopg.connect(_dsn(server_url)) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{server_url}?options=-csearch_path%3D{name}"


def _wait_until_it_answers(url: str, process: "subprocess.Popen[bytes]") -> None:
    give_up_at = time.monotonic() + _STARTING_S
    while time.monotonic() < give_up_at and process.poll() is None:
        try:
            psycopg.connect(_dsn(url)).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("PostgreSQL did not start")


def _dsn(url: str) -> str:
    return url.replace("+psycopg", "")
