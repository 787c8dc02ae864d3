"""What the worker's own PostgreSQL role may do: measure and build, and neither decide nor rewrite.

It reads everything but secrets, and writes the tables of its work. The ledger it extends, by entries of its own kinds
only, each at the log's end. A table that is not named here can only be read: a new one is closed until it is opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, text

from sekisho.kernel.database import Base, Database
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.wiring.tables import load_tables

HIDDEN: Final[Mapping[str, frozenset[str]]] = {
    "tokens": frozenset({"hash"}),
    "principals": frozenset({"email", "email_key"}),
}
"""Columns that a worker may not even read, by table."""

WRITES: Final[Mapping[str, tuple[str, ...]]] = {
    "jobs": ("INSERT", "UPDATE"),
    # What was asked for stays as the API wrote it: subject, suite, dataset, origin, who asked.
    "runs": ("UPDATE (state, engine, summary, final_digest, reason, started_at, finished_at, observations)",),
    "case_results": ("INSERT", "DELETE"),
    "qualifications": ("INSERT",),
    "model_calls": ("INSERT", "DELETE"),
    "model_hosts": ("INSERT", "UPDATE"),
    "index_builds": ("INSERT", "UPDATE", "DELETE"),
    "index_chunks": ("INSERT", "DELETE"),
    # An index is registered by whoever built it, and drafts are kept as bytes.
    "artifacts": ("INSERT", "UPDATE (versions, latest)"),
    "versions": ("INSERT",),
    "registrations": ("INSERT",),
    "edges": ("INSERT",),
    "blobs": ("INSERT", "UPDATE (data, size)"),
    "overlap_checks": ("INSERT",),
    "ledger_entries": ("INSERT",),
    "ledger_head": ("UPDATE (origin, size, peaks)",),
}
"""What a worker writes, by table."""

ENTRIES: Final = (
    "run.finished", "run.failed", "run.cancelled", "qualification.finished", "document.erasure_done",
    "index.built", "index.verified", "index.drifted", "version.registered", "overlap.measured",
)  # fmt: skip
"""Kinds of the entries that a worker may append; of registrations only those of indexes."""

_NOT_OWNER: Final = "NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE')"

_KINDS: Final = ", ".join(f"'{kind}'" for kind in ENTRIES)
_GUARDS: Final = (  # nothing in them comes from outside
    f"""
CREATE OR REPLACE FUNCTION sekisho_guard_entry() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE said jsonb;
BEGIN
  IF {_NOT_OWNER} THEN
    said := NEW.content::jsonb;
    IF NEW.kind <> ALL (ARRAY[{_KINDS}])
      OR (said->>'kind', said->>'seq') IS DISTINCT FROM (NEW.kind::text, NEW.seq::text)
      OR (NEW.kind = 'version.registered' AND coalesce(said->'body'->>'artifact', '') NOT LIKE 'index/%') THEN
      RAISE insufficient_privilege USING MESSAGE = format('a worker may not append %s to the ledger', NEW.kind);
    END IF;
    IF NEW.seq <> (SELECT size FROM ledger_head) THEN
      RAISE insufficient_privilege USING MESSAGE = 'a worker appends at the end of the ledger, and nowhere else';
    END IF;
  END IF;
  RETURN NEW;
END $guard$
""",  # noqa: S608
    f"""
CREATE OR REPLACE FUNCTION sekisho_guard_head() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF {_NOT_OWNER} AND (
    NEW.size <> OLD.size + 1
    OR NEW.origin IS DISTINCT FROM coalesce(OLD.origin, NEW.origin)
    OR NOT EXISTS (SELECT FROM ledger_entries WHERE seq = OLD.size)
  ) THEN
    RAISE insufficient_privilege USING MESSAGE = 'a worker moves the head of the ledger by the entry that it appends';
  END IF;
  RETURN NEW;
END $guard$
""",
    f"""
CREATE OR REPLACE FUNCTION sekisho_guard_artifact() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF {_NOT_OWNER} AND (SELECT kind FROM artifacts WHERE id = NEW.artifact_id) <> 'index' THEN
    RAISE insufficient_privilege USING MESSAGE = 'a worker registers indexes, and nothing else';
  END IF;
  RETURN NEW;
END $guard$
""",  # noqa: S608
    f"""
CREATE OR REPLACE FUNCTION sekisho_guard_blob() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
  IF {_NOT_OWNER} AND (length(NEW.data) <> 0 OR NEW.size <> 0) THEN
    RAISE insufficient_privilege USING MESSAGE = 'a worker erases bytes, and changes none';
  END IF;
  RETURN NEW;
END $guard$
""",
    """
CREATE OR REPLACE TRIGGER sekisho_guard_blob BEFORE UPDATE ON blobs
  FOR EACH ROW EXECUTE FUNCTION sekisho_guard_blob()
""",
    """
CREATE OR REPLACE TRIGGER sekisho_guard_entry BEFORE INSERT ON ledger_entries
  FOR EACH ROW EXECUTE FUNCTION sekisho_guard_entry()
""",
    """
CREATE OR REPLACE TRIGGER sekisho_guard_head BEFORE UPDATE ON ledger_head
  FOR EACH ROW EXECUTE FUNCTION sekisho_guard_head()
""",
    """
CREATE OR REPLACE TRIGGER sekisho_guard_version BEFORE INSERT ON versions
  FOR EACH ROW EXECUTE FUNCTION sekisho_guard_artifact()
""",
)
"""Grants know tables and columns, not what stands in a row. The tables' owner, who migrates, is let through."""


async def grant_worker(database: Database, role: str, password: str | None) -> bool:
    """Let `role` do a worker's work and no more, whatever it could before; True where it was made for this.

    With a `password` it may log in by that. Call it again after each migration. Raises `Invalid` for SQLite, which has
    no roles, and for a role that could do more than is granted to it: one that owns the tables, or a superuser.
    """
    if database.is_sqlite:
        raise Invalid(
            "SQLite has no roles: whoever may write its file may write all of it",
            remedy="set SEKISHO_DATABASE_URL to a PostgreSQL database",
        )
    load_tables()
    async with database.engine.begin() as connection:
        return await connection.run_sync(_grant, role, password)


def _grant(connection: Connection, role: str, password: str | None) -> bool:
    made = _made(connection, role)
    _refuse_mighty(connection, role)
    if password is not None:
        _run(connection, "ALTER ROLE %I LOGIN PASSWORD %L", role, password)
    tables = list(connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")))
    connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    _run(connection, "GRANT USAGE ON SCHEMA public TO %I", role)
    for table in tables:
        # Column privileges too: REVOKE on the table takes those along.
        _run(connection, "REVOKE ALL ON TABLE %I FROM %I", table, role)
        for privilege in _privileges(connection, table):
            _run(connection, f"GRANT {privilege} ON TABLE %I TO %I", table, role)
    for guard in _GUARDS:
        connection.exec_driver_sql(guard)
    return made


def _privileges(connection: Connection, table: str) -> Iterator[str]:
    if table in HIDDEN:
        columns = connection.scalars(
            text("SELECT column_name FROM information_schema.columns WHERE table_name = :table"), {"table": table}
        )
        shown = [f'"{column}"' for column in sorted(set(columns) - HIDDEN[table])]
        yield f"SELECT ({', '.join(shown)})"
    else:
        yield "SELECT"
    if table in Base.metadata.tables:
        yield from WRITES.get(table, ())


def _made(connection: Connection, role: str) -> bool:
    if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}):
        return False
    _run(connection, "CREATE ROLE %I LOGIN", role)
    return True


def _refuse_mighty(connection: Connection, role: str) -> None:
    """What a role inherits cannot be taken from it table by table."""
    query = """
        SELECT r.rolsuper OR r.rolcreaterole OR EXISTS (
          SELECT FROM pg_tables t WHERE t.schemaname = current_schema() AND pg_has_role(r.oid, t.tableowner, 'MEMBER'))
        FROM pg_roles r WHERE r.rolname = :role
    """
    if connection.scalar(text(query), {"role": role}):
        raise Invalid(
            f"{role} may do more than can be taken from it: it owns tables, makes roles or is a superuser",
            fields=[FieldError("$.role", "name a role of its own, which nothing else uses")],
        )


def _run(connection: Connection, template: str, *names: str) -> None:
    """A statement whose names and texts PostgreSQL quotes itself: it takes no parameters in those places."""
    values = {f"name{place}": name for place, name in enumerate(names)}
    places = ", ".join(f"CAST(:{name} AS text)" for name in values)
    statement = connection.scalar(text(f"SELECT format(:template, {places})"), {"template": template, **values})
    connection.exec_driver_sql(str(statement))
