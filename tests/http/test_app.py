"""The application as a whole: who is let in, what is refused, and what a broken neighbour does to it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from tests.api_client import ApiClient
from tests.problems import problem

from sekisho.kernel.database import Database
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import EngineFailed
from sekisho.wiring.services import Services

SYSTEM = {
    "schema": "sekisho.system/v1",
    "purpose": "Answers questions about the handbook.",
    "risk_class": "limited",
    "owner": "docs",
    "affected_groups": ["readers"],
    "role": "deployer",
}
VERSIONS = "/v1/projects/default/artifacts/system/docs/versions"


async def test_no_token_is_refused(api: ApiClient) -> None:
    """Every operation asks who is there, but for health, the public keys and the policy bundle."""
    paths: dict[str, dict[str, Any]] = api.app.openapi_schema.to_schema()["paths"]
    for path, operations in paths.items():
        for method in operations:
            if path in {"/healthz", "/readyz", "/metrics", "/v1/policy/bundle", "/v1/keys"}:
                continue
            url = path.replace("{seq}", "0").replace("{", "").replace("}", "")
            response = await api.request(method, url, json={} if method in {"post", "put", "patch"} else None)
            # A body may be found wrong before anybody is asked for a name; content is never told.
            assert response.status_code in {400, 401, 415}, f"{method} {path}: {response.status_code} {response.text}"


@pytest.mark.parametrize("header", ["Bearer sks_unknown", "Basic YWRtaW46YWRtaW4=", "Bearer", "sks_unknown"])
async def test_a_wrong_token_is_refused(api: ApiClient, header: str) -> None:
    """401, with the scheme that would do."""
    response = await api.get("/v1/projects", headers={"Authorization": header})
    problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_role_that_does_not_do_is_told_which_would(api: ApiClient) -> None:
    """403 names the roles that may."""
    response = await api.post(VERSIONS, json={"manifest": SYSTEM}, headers=await api.role("viewer"))
    body = problem(response, 403, "forbidden")
    assert "author" in body["detail"] + body.get("remedy", "")


async def test_another_projects_names_do_not_exist(api: ApiClient) -> None:
    """404 for one without a role there, whether the project exists or not."""
    viewer = await api.role("viewer")
    for project in ("other", "nowhere"):
        problem(await api.get(f"/v1/projects/{project}/artifacts", headers=viewer), 404, "not-found")


async def test_the_first_admins_token_is_his_alone(api: ApiClient, data_dir: Path) -> None:
    """Mode 0600, and it works."""
    assert (data_dir / "admin.token").stat().st_mode & 0o777 == 0o600
    answer = await api.get("/v1/projects", headers={"Authorization": f"Bearer {api.admin_token}"})
    assert answer.status_code == 200
    assert "default" in answer.text


async def test_health_needs_no_token_and_tells_nothing(api: ApiClient) -> None:
    """Live, ready, and measured by operation, never by path."""
    assert (await api.get("/healthz")).json() == {"status": "ok"}
    ready = await api.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    await api.get("/v1/projects/secret-project/artifacts", headers=await api.role("viewer"))
    metrics = (await api.get("/metrics")).text
    assert 'sekisho_http_requests_total{operation="healthz",status="200"}' in metrics
    assert "secret-project" not in metrics


async def test_readiness_names_what_is_not_ready(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy engine that fails makes the process not ready, by name and reason; it stays alive."""

    async def fail(_: object) -> None:
        raise EngineFailed("regorus gave no answer")

    monkeypatch.setitem(dict(api.services.readiness.checks), "policy_engine", fail)
    monkeypatch.setattr(type(api.services.engine), "check", fail)
    response = await api.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {"policy_engine": "regorus gave no answer"}
    assert (await api.get("/healthz")).status_code == 200


async def test_an_unmigrated_database_is_told_by_readyz(tmp_path: Path, data_dir: Path) -> None:
    """The API starts, says what is missing, and becomes ready with nothing but the migrations' arrival."""
    from sekisho.http.app import create_app
    from sekisho.kernel.migrations import upgrade
    from sekisho.kernel.settings import Settings
    from sekisho.wiring.services import build_services

    services = build_services(Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite3", data_dir=data_dir))
    await services.start()
    try:
        async with ApiClient(create_app(services), services) as api:
            assert (await api.get("/readyz")).json() == {"migrations": "the database lacks migrations of this version"}
            await upgrade(services.database)
            assert (await api.get("/readyz")).status_code == 200
    finally:
        await services.close()


async def test_every_answer_carries_its_request_id(api: ApiClient) -> None:
    """The caller's own where it is well-formed, else a new one; the problem's body repeats it."""
    given = await api.get("/v1/projects", headers={"X-Request-ID": "ci-17"})
    assert given.headers["x-request-id"] == "ci-17"
    assert given.json()["request_id"] == "ci-17"
    forged = await api.get("/healthz", headers={"X-Request-ID": "a b\x7f"})
    assert forged.headers["x-request-id"] != "a b\x7f"


async def test_a_blob_over_the_limit_is_refused(api: ApiClient, services: Services) -> None:
    """413, with nothing kept."""
    data = b"a" * (services.settings.max_file_bytes + 1)
    author = await api.role("author")
    path = f"/v1/projects/default/blobs/{digest_of_bytes(data)}"
    headers = {**author, "content-type": "application/octet-stream"}
    problem(await api.put(path, content=data, headers=headers), 413, "too-large")
    problem(await api.get(path, headers=author), 404, "not-found")


async def rows(database: Database) -> dict[str, int]:
    """How many rows each table holds."""
    from sekisho.kernel.database import Base

    async with database.read() as tx:
        counts = {name: await tx.scalar(text(f"SELECT count(*) FROM {name}")) for name in Base.metadata.tables}
    return {name: int(count or 0) for name, count in counts.items()}


def only_sqlite(services: Services) -> Path:
    if not services.database.is_sqlite:
        pytest.skip("what a full disk or a lock of another process does is SQLite's own")
    return Path(services.database.url.database or "")


async def test_a_locked_database_is_503_and_nothing_is_half_written(
    api: ApiClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the write lock: the request ends within the busy timeout, and later it works."""
    path = only_sqlite(services)
    author = await api.role("author")
    before = await rows(services.database)
    async with services.database.engine.connect() as connection:  # every pooled connection waits only briefly
        await connection.exec_driver_sql("PRAGMA busy_timeout=200")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        response = await api.post(VERSIONS, json={"manifest": SYSTEM}, headers=author)
    finally:
        other.execute("ROLLBACK")
        other.close()
    body = problem(response, 503, "unavailable")
    assert "nothing was written" in body["detail"]
    assert response.headers["retry-after"] == "1"
    assert await rows(services.database) == before
    again = await api.post(VERSIONS, json={"manifest": SYSTEM}, headers=author)
    assert again.status_code == 201, again.text


async def test_a_full_disk_is_503_and_nothing_is_half_written(api: ApiClient, services: Services) -> None:
    """SQLite refuses to grow: the whole request is rolled back, and later it works."""
    only_sqlite(services)
    author = await api.role("author")
    before = await rows(services.database)

    most = [1 << 30]

    @event.listens_for(services.database.engine.sync_engine, "checkout")
    def limited(connection: Any, _record: Any, _proxy: Any) -> None:
        """Whichever of its connections the API takes: SQLite keeps the limit of each apart."""
        connection.cursor().execute(f"PRAGMA max_page_count={most[0]}")

    big = b"a" * 200_000
    path = f"/v1/projects/default/blobs/{digest_of_bytes(big)}"
    headers = {**author, "content-type": "application/octet-stream"}
    async with services.database.engine.connect() as connection:
        used = (await connection.exec_driver_sql("PRAGMA page_count")).scalar_one()
    most[0] = used
    problem(await api.put(path, content=big, headers=headers), 503, "unavailable")
    assert await rows(services.database) == before
    most[0] = 1 << 30
    assert (await api.put(path, content=big, headers=headers)).is_success
    assert (await api.get(path, headers=author)).content == big


async def test_readers_go_on_while_another_process_writes(api: ApiClient, services: Services) -> None:
    """WAL: a long write elsewhere delays no reader."""
    path = only_sqlite(services)
    viewer = await api.role("viewer")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        async with asyncio.timeout(30):
            assert (await api.get("/v1/projects/default/artifacts", headers=viewer)).status_code == 200
    finally:
        other.execute("ROLLBACK")
        other.close()
