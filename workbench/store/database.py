"""The database: SQLite (WAL) embedded, PostgreSQL by URL."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from typing import Any, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Delete,
    Engine,
    Index,
    Insert,
    Row,
    Select,
    Table,
    Update,
    create_engine,
    delete,
    event,
    inspect,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.schema import CreateColumn

from workbench.errors import StorageError
from workbench.store.tables import FILL, metadata

_BATCH_ROWS = 5_000
_WRITERS_TURN = 0x576F726B62656E63
"""Key of PostgreSQL's advisory lock; SQLite needs none, as it has one lock for all writers."""
_Named = TypeVar("_Named", Column[Any], Index)


class Database:
    """Reads see the last committed state; writes take turns, and each call is a transaction of its own.

    ``with database.transaction():`` joins the calls inside the block into one that happens wholly or not at all.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: ContextVar[Connection | None] = ContextVar("open_transaction", default=None)

    @classmethod
    def open(cls, url: str) -> "Database":
        """Return the database at a SQLAlchemy ``url``, with its tables and columns made where they are missing."""
        parsed, engine = _known(url)
        _make_folder(parsed)
        if parsed.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        else:
            event.listen(engine, "begin", _begin_postgresql)
        database = cls(engine)
        with database.transaction() as connection:
            metadata.create_all(connection)
            _add_missing_columns(connection)
            _add_missing_indexes(connection)
        return database

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Join the calls inside the block; blocks may be nested.

        Raises:
            StorageError: The database cannot be reached or written.
        """
        if (current := self._open.get()) is not None:
            yield current
            return
        with self._translated(), self._writing() as connection, connection.begin():
            token = self._open.set(connection)
            try:
                yield connection
            finally:
                self._open.reset(token)

    def rows(self, query: Select[Any]) -> Sequence[Row[Any]]:
        if (current := self._open.get()) is not None:
            return current.execute(query).all()
        with self._translated(), self._engine.connect() as connection:
            return connection.execute(query).all()

    def rows_among(self, query: Select[Any], column: Column[Any], values: Iterable[object]) -> Iterator[Row[Any]]:
        """Yield the rows of ``query`` whose ``column`` is one of ``values``, however many these are."""
        for some in _batches(values):
            yield from self.rows(query.where(column.in_(some)))

    def delete_among(self, column: Column[Any], values: Iterable[object]) -> None:
        """Delete the rows of a table whose ``column`` is one of ``values``, however many these are."""
        with self.transaction():
            for some in _batches(values):
                self.write(delete(column.table).where(column.in_(some)))

    def write(self, statement: Insert | Update | Delete) -> int:
        """Execute one statement and return how many rows it touched."""
        with self.transaction() as connection:
            return connection.execute(statement).rowcount

    def write_each(self, statement: Update | Delete, parameters: Sequence[Mapping[str, object]]) -> int:
        """Execute one statement with each of ``parameters`` and return how many rows were touched."""
        if not parameters:
            return 0
        with self.transaction() as connection:
            return connection.execute(statement, parameters).rowcount

    def insert(self, table: Table, rows: Sequence[dict[str, Any]], *, overwrite: bool = False) -> int:
        """Insert ``rows`` and return how many were written; a key already there is left alone or overwritten."""
        statement = self._upsert(table) if overwrite else self._dialect_insert(table).on_conflict_do_nothing()
        statement = statement.execution_options(preserve_rowcount=True)
        with self.transaction() as connection:
            return sum(
                connection.execute(statement, rows[start : start + _BATCH_ROWS]).rowcount
                for start in range(0, len(rows), _BATCH_ROWS)
            )

    def _writing(self) -> Connection:
        return self._engine.connect().execution_options(writing=True)

    def _upsert(self, table: Table) -> Insert:
        statement = self._dialect_insert(table)
        keys = [column.name for column in table.primary_key]
        new = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
        return statement.on_conflict_do_update(index_elements=keys, set_=new)

    def _dialect_insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        return postgresql.insert(table) if self._engine.dialect.name == "postgresql" else sqlite.insert(table)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StorageError(
                expected=f"the database at {self._engine.url.render_as_string()} to answer",
                found=str(error.orig),
                remedy="check the disk's free space, the file's permissions or WORKBENCH_DATABASE_URL",
            ) from error


def _batches(values: Iterable[object]) -> Iterator[list[object]]:
    different = list(dict.fromkeys(values))
    return (different[start : start + _BATCH_ROWS] for start in range(0, len(different), _BATCH_ROWS))


def _known(url: str) -> tuple[URL, Engine]:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("sqlite", "postgresql"):
            raise ArgumentError(parsed.get_backend_name())
        return parsed, create_engine(parsed)
    except (ArgumentError, ImportError) as error:
        driver = error.name if isinstance(error, ImportError) else ""
        raise StorageError(
            expected="a database URL as sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME",
            found=f"one whose driver {driver} is not installed" if driver else "something else",
            remedy="correct WORKBENCH_DATABASE_URL; for PostgreSQL install the workbench with [postgres]",
        ) from error


def _make_folder(url: URL) -> None:
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return
    try:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            expected=f"a folder for the database {url.database}",
            found=str(error),
            remedy="make the folder writable or set WORKBENCH_HOME",
        ) from error


def _add_missing_columns(connection: Connection) -> None:
    """Bring tables of an earlier release up to date; a column that came later is nullable or has a server default.

    A column with an expression under ``FILL`` in its ``info`` is filled with it.
    """
    found = inspect(connection)
    missing = [
        column for table in metadata.sorted_tables for column in _lacking(found.get_columns(table.name), table.columns)
    ]
    for column in missing:
        definition = CreateColumn(column).compile(dialect=connection.dialect)
        connection.exec_driver_sql(f"ALTER TABLE {column.table.name} ADD COLUMN {definition}")
    for column in missing:
        if FILL in column.info:
            connection.execute(update(column.table).values({column: column.info[FILL]}))


def _add_missing_indexes(connection: Connection) -> None:
    found = inspect(connection)
    for table in metadata.sorted_tables:
        for index in _lacking(found.get_indexes(table.name), table.indexes):
            index.create(connection)


def _lacking(known: Iterable[Mapping[str, Any]], wanted: Iterable[_Named]) -> list[_Named]:
    names = {one["name"] for one in known}
    return [one for one in wanted if one.name not in names]


def _prepare_sqlite(connection: SqliteConnection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first and writes later can fail half-way."""
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    """Let one writer in after the other, as SQLite does: what a transaction has read stays true until it writes."""
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_TURN})")
