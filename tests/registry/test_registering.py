"""Registering versions, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.identity.types import Actor, Role
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import Archived, Conflict, Forbidden, Invalid, NotFound, TooLarge
from sekisho.kernel.references import Kind, parse_reference
from sekisho.ledger.types import Entry
from sekisho.registry.artifacts import ArtifactFilter
from sekisho.registry.service import Registry
from sekisho.registry.types import Provenance
from tests.clocks import FixedClock
from tests.registry import manifests
from tests.registry.conftest import actor
from tests.registry.manifests import PAGE, SAID, put, register, register_agent


def places(error: pytest.ExceptionInfo[Invalid]) -> dict[str, str]:
    return {field.path: field.message for field in error.value.fields}


async def entries(registry: Registry) -> list[Entry]:
    reader = actor(Role.ADMIN, project="*", name="root")
    return list((await registry.ledger.entries(reader, newest_first=False, limit=200)).items)


async def test_a_viewer_may_not_register(registry: Registry, viewer: Actor) -> None:
    """Registering takes the author's role."""
    with pytest.raises(Forbidden):
        await register(registry, viewer, "system/docs", manifests.system())


async def test_another_project_answers_as_if_it_were_not_there(registry: Registry, author: Actor) -> None:
    """Who has no role in a project learns nothing of it."""
    with pytest.raises(NotFound):
        await registry.one(author, parse_reference("secret/system/docs"))
    with pytest.raises(NotFound):
        await registry.register(author, "secret", Kind.SYSTEM, "docs", manifests.system(), SAID)


async def test_the_same_content_is_the_same_version(registry: Registry, author: Actor, clock: FixedClock) -> None:
    """Registering again adds a registration, not a version, and both stand in the ledger."""
    first = await register(registry, author, "prompt/ask", manifests.prompt())
    clock.advance(1)
    again = await register(registry, author, "prompt/ask", manifests.prompt(), Provenance(author="Bob", commit="beef"))
    assert (first.new, again.new) == (True, False)
    assert again.version == first.version
    acts = (await registry.registrations(author, parse_reference("prompt/ask@v1"), None, 10)).items
    assert [(act.author, act.commit, act.principal) for act in acts] == [
        ("Ada <ada@example.org>", "c0ffee", "alice"),
        ("Bob", "beef", "alice"),
    ]
    assert [(entry.kind, entry.subject) for entry in await entries(registry)] == [
        ("version.registered", first.version.digest)
    ] * 2


async def test_latest_is_what_was_registered_last(registry: Registry, author: Actor) -> None:
    """After a revert to the first content, latest means the first version, and v2 keeps its number."""
    first = await register(registry, author, "prompt/ask", manifests.prompt("A {{ context }}"))
    second = await register(registry, author, "prompt/ask", manifests.prompt("B {{ context }}"))
    await register(registry, author, "prompt/ask", manifests.prompt("A {{ context }}"))
    assert (await registry.one(author, parse_reference("prompt/ask@latest"))).digest == first.version.digest
    assert (await registry.one(author, parse_reference("prompt/ask@v2"))).digest == second.version.digest


async def test_an_agent_names_only_what_is_registered(registry: Registry, author: Actor) -> None:
    """Every field that pins something unregistered, or a digest of another kind, is named."""
    digests = await register_agent(registry, author)
    pins = {"system": digests["prompt"], "prompt": digests["prompt"], "index": digests["index"]}
    pins["model"] = digest_of_bytes(b"nobody")
    with pytest.raises(Invalid) as refused:
        await register(registry, author, "agent/other", manifests.agent(pins))
    assert places(refused).keys() == {"$.system", "$.model"}
    assert "prompt/docs v1" in places(refused)["$.system"]
    assert "no model is registered" in places(refused)["$.model"]
    with pytest.raises(NotFound):
        await registry.one(author, parse_reference("agent/other"))


async def test_an_agent_may_not_name_an_archived_version(registry: Registry, author: Actor) -> None:
    """Archiving a prompt, or one version of it, keeps new agents from pinning it until it is restored."""
    digests = await register_agent(registry, author)
    pins = {kind: digests[kind] for kind in ("system", "prompt", "index", "model")}
    for reference in (parse_reference("prompt/docs"), parse_reference("prompt/docs@v1")):
        await registry.archive(author, reference)
        with pytest.raises(Invalid) as refused:
            await register(registry, author, "agent/other", manifests.agent(pins))
        assert places(refused) == {"$.prompt": "prompt/docs v1 is archived"}
        await registry.restore(author, reference)
    assert (await register(registry, author, "agent/other", manifests.agent(pins))).new


async def test_an_archived_artifact_takes_nothing_new_and_still_answers(registry: Registry, author: Actor) -> None:
    """Archiving twice is one entry in the ledger; nothing is deleted."""
    await register(registry, author, "system/docs", manifests.system())
    for _ in range(2):
        await registry.archive(author, parse_reference("system/docs"))
    with pytest.raises(Archived):
        await register(registry, author, "system/docs", manifests.system(purpose="Other"))
    assert (await registry.one(author, parse_reference("system/docs@v1"))).archived
    for _ in range(2):
        await registry.restore(author, parse_reference("system/docs"))
    assert [entry.kind for entry in await entries(registry)] == [
        "version.registered", "artifact.archived", "artifact.restored",
    ]  # fmt: skip


async def test_a_version_that_a_stage_serves_is_not_archived(registry: Registry, author: Actor) -> None:
    """Another version must be promoted first."""
    version = (await register(registry, author, "system/docs", manifests.system())).version
    async with registry.database.write() as tx:
        await registry.move_pointer(
            tx, version=version, stage="dev", expected=None, decision_id="d-1", principal="alice"
        )
    with pytest.raises(Conflict, match="serves dev"):
        await registry.archive(author, parse_reference("system/docs@v1"))


async def test_a_corpus_whose_blobs_are_missing_is_refused(registry: Registry, author: Actor) -> None:
    """Each path is named, and nothing is written."""
    with pytest.raises(Invalid) as refused:
        await register(registry, author, "corpus/docs", manifests.corpus())
    assert places(refused).keys() == {"$.files[0].digest"}
    assert "en/a.md" in places(refused)["$.files[0].digest"]
    with pytest.raises(NotFound):
        await registry.artifact(author, parse_reference("corpus/docs"))


@pytest.mark.parametrize("data", [b"\x89PNG\r\n\x00", b"caf\xe9"], ids=["binary", "latin-1"])
async def test_a_corpus_file_must_be_text(registry: Registry, author: Actor, data: bytes) -> None:
    """Bytes that are not UTF-8 text are named with the place of the first wrong one."""
    await put(registry, author, data)
    with pytest.raises(Invalid) as refused:
        await register(registry, author, "corpus/docs", manifests.corpus(data))
    assert "en/a.md is" in places(refused)["$.files[0].digest"]


async def test_a_corpus_file_has_the_size_it_says(registry: Registry, author: Actor) -> None:
    """The manifest's size is checked against the blob's."""
    await put(registry, author, PAGE)
    wrong = manifests.corpus()
    wrong["files"][0]["bytes"] += 1
    with pytest.raises(Invalid) as refused:
        await register(registry, author, "corpus/docs", wrong)
    assert places(refused).keys() == {"$.files[0].bytes"}


@pytest.mark.parametrize(
    ("data", "changes", "path", "words"),
    [
        (b'{"id": "a"}\n{"id": "a"}\n', {}, "$.content", "line 2"),
        (b'{"id": "a"}\n\n', {}, "$.content", "line 2"),
        (b'{"id": "a\\u0000"}\n', {}, "$.content", "NUL"),
        (b'{"id": 1}\n', {}, "$.content", "id"),
        (b'{"id": "a", "id": "b"}\n', {}, "$.content", "twice"),
        (b"", {}, "$.content", "no cases"),
        (manifests.CASES, {"cases": 3}, "$.cases", "2 cases"),
        (manifests.CASES, {"fields": ["id"]}, "$.fields", "language"),
    ],
)
async def test_a_dataset_is_checked_line_by_line(
    registry: Registry, author: Actor, data: bytes, changes: dict[str, Any], path: str, words: str
) -> None:
    """Duplicate ids, blank lines, NUL, a wrong count or fields: each is refused and named."""
    await put(registry, author, data)
    with pytest.raises(Invalid) as refused:
        await register(registry, author, "dataset/cases", manifests.dataset(data, **changes))
    assert words in places(refused)[path]


async def test_a_suite_names_known_scorers_and_fields(registry: Registry, author: Actor) -> None:
    """An unknown scorer is refused with the names of the known ones, and a slice must be a field of the cases."""
    await put(registry, author, manifests.CASES)
    data = await register(registry, author, "dataset/cases", manifests.dataset())
    wrong = manifests.suite(data.version.digest, scorers=[{"name": "vibes"}], slices=["mood"], cluster_by="page")
    with pytest.raises(Invalid) as refused:
        await register(registry, author, "suite/retrieval", wrong)
    assert places(refused).keys() == {"$.scorers[0].name", "$.slices[0]", "$.cluster_by"}
    assert "mrr, recall" in places(refused)["$.scorers[0].name"]
    assert (await register(registry, author, "suite/retrieval", manifests.suite(data.version.digest))).new


async def test_blobs_are_verified_and_bounded(registry: Registry, author: Actor, viewer: Actor) -> None:
    """Bytes of another digest, too many of them, or from a viewer are refused; the same bytes twice are fine."""
    with pytest.raises(Invalid, match="do not have this digest"):
        await registry.put_blob(author, "default", digest_of_bytes(b"a"), b"b")
    with pytest.raises(TooLarge):
        await put(registry, author, b"x" * 10_001)
    with pytest.raises(Forbidden):
        await put(registry, viewer, b"a")
    await put(registry, author, b"a", b"a")
    assert await registry.blob(viewer, "default", digest_of_bytes(b"a")) == b"a"
    missing = await registry.missing_blobs(viewer, "default", [digest_of_bytes(b"a"), digest_of_bytes(b"b")])
    assert missing == (digest_of_bytes(b"b"),)
    with pytest.raises(NotFound):
        await registry.blob(viewer, "default", digest_of_bytes(b"b"))


async def test_what_is_said_of_a_registration_is_checked(registry: Registry, author: Actor) -> None:
    """Labels, CI run and lengths are bounded, each offending field named."""
    with pytest.raises(Invalid) as refused:
        Provenance(author="x" * 201, ci_run="ftp://x", labels={"Bad Name": "v"})
    assert places(refused).keys() == {
        "$.registration.author", "$.registration.ci_run", "$.registration.labels.Bad Name",
    }  # fmt: skip


async def test_artifacts_are_listed_in_pages_and_filtered(registry: Registry, author: Actor) -> None:
    """Pages follow one another without gaps; kind, part of the name, label and archived narrow them."""
    for number in range(5):
        labels = {"team": "docs"} if number % 2 else {}
        await register(registry, author, f"system/s{number}", manifests.system(), Provenance(labels=labels))
    await registry.archive(author, parse_reference("system/s0"))

    async def names(wanted: ArtifactFilter) -> list[str]:
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await registry.artifacts(author, "default", wanted, cursor, 2)
            found += [artifact.name for artifact in page.items]
            cursor = page.next_cursor
            if cursor is None:
                return found

    assert sorted(await names(ArtifactFilter())) == ["s0", "s1", "s2", "s3", "s4"]
    assert sorted(await names(ArtifactFilter(archived=False))) == ["s1", "s2", "s3", "s4"]
    assert await names(ArtifactFilter(archived=True)) == ["s0"]
    assert sorted(await names(ArtifactFilter(label=("team", "docs")))) == ["s1", "s3"]
    assert await names(ArtifactFilter(label=("team", "other"))) == []
    assert await names(ArtifactFilter(name_contains="3")) == ["s3"]
    assert await names(ArtifactFilter(name_contains="%")) == []
    assert await names(ArtifactFilter(kind=Kind.PROMPT)) == []
