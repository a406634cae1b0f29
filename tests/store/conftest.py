"""The store on everything that it can stand on: SQLite and PostgreSQL, a disk and an object store."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.store.object_server import ACCESS_KEY, SECRET_KEY, object_server
from tests.store.postgres_server import empty_schema, postgres_programs, postgres_server
from workbench.settings import Settings
from workbench.workflows.workspace import Workspace


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    with postgres_server(programs) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace of its own on each kind of database."""
    database_url = ""
    if request.param == "postgresql":
        database_url = empty_schema(request.getfixturevalue("postgres_url"))
    workspace = Workspace.open(Settings.load(home=tmp_path / "home", database_url=database_url))
    yield workspace
    workspace.store.close()


@pytest.fixture(scope="session")
def object_server_url() -> Iterator[str]:
    with object_server() as url:
        yield url


@pytest.fixture
def s3_url(object_server_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket, and the environment in which it is reached.

    The server answers some of many writes at once with error 500, as S3 may; the library tries again.
    """
    from s3fs import S3FileSystem

    for name, value in {
        "AWS_ENDPOINT_URL": object_server_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "10",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"frames-{uuid4().hex[:8]}"
    S3FileSystem(skip_instance_cache=True).mkdir(bucket)
    return f"s3://{bucket}/yard"
