"""`sekisho apply` against the real application: what is registered, what is left alone, what the lock says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.api_client import ApiClient
from tests.cli.projects import PROJECT, changed, write
from tests.identity.commands import Bridge
from tests.indexing.sources.originals import pdf_of, zip_of

from sekisho.cli import Rooms
from sekisho.cli.apply import commands
from sekisho.cli.lock import read_lock
from sekisho.cli.session import Session
from sekisho.client import Client
from sekisho.identity.types import Action
from sekisho.kernel.digests import digest_of_bytes

Run = Callable[..., Awaitable[Result]]
ADA = ("--author", "Ada <ada@example.org>", "--commit", "1")


@pytest.fixture
async def run(api: ApiClient, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``sekisho <words>`` by somebody with this role."""
    for name in ("GITHUB_SHA", "CI_COMMIT_SHA", "CI_JOB_URL", "GITHUB_RUN_ID", "SEKISHO_AUTHOR", "SEKISHO_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    bridge = Bridge(api, asyncio.get_running_loop())

    async def run(*words: str, role: str = "author", project: str = "default", as_json: bool = True) -> Result:
        state = Session(as_json=as_json, project=project)
        token = await api.token_for(role)
        state.__dict__["client"] = Client("http://sekisho.test", token, transport=bridge, project=project)
        group = Rooms("sekisho", commands=list(commands))
        with capture_logs():
            return await asyncio.to_thread(CliRunner().invoke, group, list(words), obj=state)

    return run


def states(result: Result) -> dict[str, tuple[int, str]]:
    """Number and state of each version that the command names."""
    assert result.exit_code == 0, result.stderr
    return {one["label"]: (one["number"], one["state"]) for one in json.loads(result.stdout)["versions"]}


async def test_what_may_not_be_registered_leaves_no_lock(run: Run, tmp_path: Path) -> None:
    """A wrong file and a role that does not do: exit code 2, and nothing is written."""
    assert (await run("apply", str(write(tmp_path, changed(PROJECT, "schema", "x"))))).exit_code == 2
    assert (await run("apply", str(write(tmp_path)), role="viewer")).exit_code == 2
    assert not (tmp_path / "sekisho.lock").exists()


async def test_a_second_apply_changes_nothing_and_says_so(run: Run, api: ApiClient, tmp_path: Path) -> None:
    """The first registers every kind and writes the lock; the second adds no version, no registration, no byte."""
    file = write(tmp_path)
    first = await run("apply", str(file), *ADA)
    assert set(states(first).values()) == {(1, "new")}
    lock = (tmp_path / "sekisho.lock").read_bytes()
    assert set(read_lock(tmp_path / "sekisho.lock").labels) == set(states(first))
    second = await run("apply", str(file), *ADA)
    assert json.loads(second.stdout)["changed"] is False
    assert set(states(second).values()) == {(1, "unchanged")}
    assert (tmp_path / "sekisho.lock").read_bytes() == lock
    assert "nothing changed" in (await run("apply", str(file), *ADA, as_json=False)).stderr
    found = await api.get(
        "/v1/projects/default/artifacts/prompt/ask/versions/v1/registrations", headers=await api.role("viewer")
    )
    assert [item["author"] for item in found.json()["items"]] == ["Ada <ada@example.org>"]


async def test_what_was_revoked_is_refused_by_the_next_apply(run: Run, api: ApiClient, tmp_path: Path) -> None:
    """It is not called unchanged: the lock would name what may be used no more, or holds an erased document."""
    file = write(tmp_path)
    assert (await run("apply", str(file), *ADA)).exit_code == 0
    operator = await api.role("operator")
    path = "/v1/projects/default/artifacts/prompt/ask/versions/v1/revoke"
    answer = await api.post(path, json={"reason": "leaks"}, headers=operator)
    assert answer.is_success, answer.text
    again = await run("apply", str(file), *ADA, as_json=False)
    assert again.exit_code == 2, again.output
    assert "prompt/ask was refused" in again.stderr
    assert "leaks" in again.stderr


async def test_what_was_applied_has_its_licences_scanned(run: Run, api: ApiClient, tmp_path: Path) -> None:
    """Corpus, dataset and model, each by its own bytes."""
    assert (await run("apply", str(write(tmp_path)), *ADA)).exit_code == 0
    viewer = await api.role("viewer")
    for label in ("corpus/pages", "dataset/questions", "model/plain"):
        path = "/v1/projects/default/licence-scans"
        (found,) = (await api.get(path, params={"subject": f"{label}@latest"}, headers=viewer)).json()["items"]
        assert ("manifest", "Apache-2.0") in {(one["source"], one["said"]) for one in found["findings"]}


async def test_a_token_that_may_only_register_applies_and_is_told_of_the_scan(
    run: Run, api: ApiClient, tmp_path: Path
) -> None:
    """The lock is written all the same; somebody else has the licences scanned."""
    identity = api.services.identity
    await api.token_for("author", name="narrow")
    admin = await identity.authenticate(api.admin_token)
    _, secret = await identity.issue_token(admin, "narrow", [Action.READ, Action.REGISTER])
    api._tokens["author", "default", "author"] = secret
    result = await run("apply", str(write(tmp_path)), *ADA, as_json=False)
    assert result.exit_code == 0, result.stderr
    assert "licences were not scanned" in result.stderr
    assert (tmp_path / "sekisho.lock").exists()


async def test_another_author_of_the_same_content_is_put_on_record(run: Run, tmp_path: Path) -> None:
    """Whoever brings back old bytes has a hand in them, and may not approve them."""
    file = write(tmp_path)
    await run("apply", str(file), *ADA)
    again = await run("apply", str(file), "--author", "Bob <bob@example.org>", "--commit", "2")
    assert set(states(again).values()) == {(1, "known")}


async def test_a_revert_brings_back_the_locks_first_bytes(run: Run, tmp_path: Path) -> None:
    """A changed prompt is version 2; reverted, its name means version 1 again, and latest does too."""
    file = write(tmp_path)
    await run("apply", str(file), *ADA)
    first = (tmp_path / "sekisho.lock").read_bytes()
    write(tmp_path, changed(PROJECT, "prompt.ask.messages.0.template", "Answer: {{ question }}"))
    second = states(await run("apply", str(file), *ADA))
    assert second["prompt/ask"] == (2, "new")
    assert second["system/docs"] == (1, "unchanged")
    assert (tmp_path / "sekisho.lock").read_bytes() != first
    write(tmp_path)
    assert states(await run("apply", str(file), *ADA))["prompt/ask"] == (1, "known")
    assert (tmp_path / "sekisho.lock").read_bytes() == first


async def test_a_changed_page_and_a_changed_question_change_what_is_made_of_them(run: Run, tmp_path: Path) -> None:
    """The corpus, the dataset and the suite that pins it are new versions; the rest stays."""
    file = write(tmp_path)
    await run("apply", str(file), *ADA)
    (tmp_path / "pages" / "approvals.md").write_text("# Approvals\n\nNobody approves.\n")
    with (tmp_path / "questions.jsonl").open("a") as questions:
        questions.write('{"id": "q3", "question": "Who?", "slices": {"language": "en"}}\n')
    found = states(await run("apply", str(file), *ADA))
    assert {label for label, state in found.items() if state == (2, "new")} == {
        "corpus/pages",
        "dataset/questions",
        "suite/finding",
    }


async def test_a_model_that_no_host_has_is_refused_by_its_place(run: Run, tmp_path: Path) -> None:
    """Without a digest the model must be there to be pinned; with one it need not be."""
    missing = changed(changed(PROJECT, "model.plain.provider", "ollama"), "model.plain.name", "large:70b")
    refused = await run("apply", str(write(tmp_path, missing)))
    assert refused.exit_code == 2
    assert "$.model.plain.digest" in refused.stderr
    pinned = changed(missing, "model.plain.digest", "sha256:" + "7" * 64)
    assert states(await run("apply", str(write(tmp_path, pinned))))["model/plain"] == (1, "new")


async def test_an_archived_name_is_refused_and_the_lock_stays(run: Run, api: ApiClient, tmp_path: Path) -> None:
    """What was put away takes nothing new until somebody restores it."""
    file = write(tmp_path)
    await run("apply", str(file), *ADA)
    lock = (tmp_path / "sekisho.lock").read_bytes()
    author = await api.role("author")
    await api.post("/v1/projects/default/artifacts/prompt/ask/archive", headers=author)
    refused = await run("apply", str(file), *ADA)
    assert refused.exit_code == 2
    assert "archived" in refused.stderr
    assert (tmp_path / "sekisho.lock").read_bytes() == lock


async def test_a_file_for_one_project_is_not_applied_to_another(run: Run, tmp_path: Path) -> None:
    """The file's project and --project must not disagree; where it names one, that one is meant."""
    file = write(tmp_path, {**PROJECT, "project": "docs"})
    assert (await run("apply", str(file), project="other")).exit_code == 2
    assert "no project docs" in (await run("apply", str(file))).stderr


async def test_check_needs_no_server(run: Run, tmp_path: Path) -> None:
    """`apply --check` reads everything and sends nothing."""
    checked = await run("apply", str(write(tmp_path)), "--check")
    assert json.loads(checked.stdout)["valid"] is True
    assert not (tmp_path / "sekisho.lock").exists()
    broken = write(tmp_path, changed(PROJECT, "schema", "x"))
    assert (await run("apply", str(broken), "--check")).exit_code == 2


async def test_a_document_that_cannot_be_read_is_left_out_by_name(run: Run, tmp_path: Path) -> None:
    """Exit code 0, with the file and the reason; --strict registers nothing and exits with 2."""
    file = write(tmp_path)
    (tmp_path / "pages" / "bomb.docx").write_bytes(zip_of({"word/document.xml": b" " * 20_000_000}))
    (tmp_path / "pages" / "rules.pdf").write_bytes(pdf_of(["The rules"]))
    strict = await run("apply", str(file), "--strict", *ADA)
    assert strict.exit_code == 2
    assert "pages/bomb.docx" in strict.stderr
    assert not (tmp_path / "sekisho.lock").exists()
    done = await run("apply", str(file), *ADA)
    assert states(done)["corpus/pages"] == (1, "new")
    (refused,) = json.loads(done.stdout)["refused"]
    assert (refused["corpus"], refused["path"]) == ("corpus/pages", "pages/bomb.docx")
    assert "bomb" in refused["reason"]
    told = (await run("apply", str(file), *ADA, as_json=False)).stderr
    assert "pages/bomb.docx" in " ".join(told.split())


async def test_a_server_that_lost_bytes_gets_them_back(run: Run, api: ApiClient, tmp_path: Path) -> None:
    """A restored backup may lack a page; applying the same again registers nothing and brings it back."""
    file = write(tmp_path)
    assert (await run("apply", str(file), *ADA)).exit_code == 0
    page = digest_of_bytes((tmp_path / "pages" / "approvals.md").read_bytes())
    async with api.services.database.write() as tx:
        await tx.execute(text("DELETE FROM blobs WHERE digest = :page"), {"page": page})
    where, headers = f"/v1/projects/default/blobs/{page}", await api.role("viewer")
    assert (await api.get(where, headers=headers)).status_code == 404
    assert set(states(await run("apply", str(file), *ADA)).values()) == {(1, "unchanged")}
    assert (await api.get(where, headers=headers)).status_code == 200


async def test_a_suite_may_name_counterfactuals(run: Run, api: ApiClient, tmp_path: Path) -> None:
    """They stand in its manifest as they are declared."""
    named = changed(PROJECT, "suite.finding.counterfactuals", ["language"])
    assert (await run("apply", str(write(tmp_path, named)), *ADA)).exit_code == 0
    where = "/v1/projects/default/artifacts/suite/finding/versions/v1"
    assert (await api.get(where, headers=await api.role("viewer"))).json()["manifest"]["counterfactuals"] == [
        "language"
    ]
