"""Commands for projects, principals, roles and tokens."""

from __future__ import annotations

import json

from click.testing import Result
from tests.api_client import ApiClient
from tests.identity.commands import run

from sekisho.cli.identity import commands
from sekisho.identity.types import Action, Role


async def sekisho(api: ApiClient, *words: str, token: str | None = None) -> Result:
    return await run(api, api.admin_token if token is None else token, commands, *words)


async def test_refusals_exit_with_2_and_say_what_to_do(api: ApiClient) -> None:
    """No token, a role that is missing, a name that is taken, a word that is no role."""
    author = await api.token_for("author")
    for words, token, told in (
        (("whoami",), "", "no token"),
        (("whoami",), "sks_" + "A" * 43, "not known"),
        (("project", "create", "mine"), author, "what to do"),
        (("project", "create", "default"), api.admin_token, "already"),
        (("role", "grant", "author", "king"), api.admin_token, "king"),
        (("token", "revoke", "nothing"), api.admin_token, "no token nothing"),
    ):
        found = await sekisho(api, *words, token=token)
        assert (found.exit_code, told in found.stderr) == (2, True), found.output
        assert found.stdout == ""


async def test_a_new_colleague(api: ApiClient) -> None:
    """Project, principal, role and token, each by its command; the secret alone goes to standard output."""
    assert (await sekisho(api, "project", "create", "search")).exit_code == 0
    assert "default\nsearch" in (await sekisho(api, "project", "list")).stdout
    made = await sekisho(api, "principal", "create", "alice", "--email", "alice@example.org", "--display", "A [/b]")
    assert made.exit_code == 0, made.output
    granted = await sekisho(api, "role", "grant", "alice", "author", "--project", "search")
    assert "alice is author in project search" in granted.stdout
    secret = (await sekisho(api, "token", "issue", "alice", "--days", "30")).stdout.strip()
    assert len(secret) == 47
    me = json.loads((await sekisho(api, "whoami", "--json", token=secret)).stdout)
    assert (me["principal"], me["roles"]) == ("alice", {"search": ["author"]})
    assert "alice (person) · search: author · until 2026-12-23" in (await sekisho(api, "whoami", token=secret)).stdout
    assert "author in search, granted by admin" in (await sekisho(api, "principal", "show", "alice")).stdout
    assert "alice  person  A [/b]" in (await sekisho(api, "principal", "list")).stdout


async def test_every_role_can_be_granted_and_every_action_be_a_tokens_scope(api: ApiClient) -> None:
    """Those too that no admin has by being admin: break-glass and the government of policies."""
    assert (await sekisho(api, "principal", "create", "alice")).exit_code == 0
    for role in Role:
        granted = await sekisho(api, "role", "grant", "alice", role.value, "--everywhere")
        assert f"alice is {role} in every project" in granted.stdout
    scopes = [word for action in Action for word in ("--scope", action.value)]
    assert (await sekisho(api, "token", "issue", "alice", *scopes)).exit_code == 0


async def test_the_end_of_a_role_and_a_token(api: ApiClient) -> None:
    """Both are gone from the next command on."""
    secret = await api.token_for("viewer", project="*", name="auditor")
    gone = await sekisho(api, "role", "revoke", "auditor", "viewer", "--everywhere")
    assert "no longer viewer in every project" in gone.stdout
    assert "no role yet" in (await sekisho(api, "whoami", token=secret)).stdout
    mine = json.loads((await sekisho(api, "token", "list", "--json", token=secret)).stdout)["items"]
    assert (await sekisho(api, "token", "revoke", mine[0]["id"], token=secret)).exit_code == 0
    assert "revoked" in (await sekisho(api, "whoami", token=secret)).stderr
    assert "revoked 2026-11-23  issued by admin" in (await sekisho(api, "token", "list", "auditor")).stdout


async def test_a_narrower_token_for_oneself(api: ApiClient) -> None:
    """Without a name the token is one's own, with the scopes that were asked for."""
    author = await api.token_for("author")
    issued = await sekisho(api, "token", "issue", "--scope", "read", "--scope", "evaluate", "--days", "7", token=author)
    told = (await sekisho(api, "whoami", token=issued.stdout.strip())).stdout
    assert "author (person) · default: author, limited to evaluate, read · until 2026-11-30" in told


async def test_every_role_can_be_given(api: ApiClient) -> None:
    """Those too that no admin has by being one; a policy owner is one in every project or in none."""
    await sekisho(api, "principal", "create", "alice")
    for role in Role:
        granted = await sekisho(api, "role", "grant", "alice", role.value, "--everywhere")
        assert (granted.exit_code, f"alice is {role.value}" in granted.stdout) == (0, True), granted.output


async def test_every_scope_can_be_named(api: ApiClient) -> None:
    """A token may be limited to whatever a role permits."""
    await sekisho(api, "principal", "create", "alice")
    for action in Action:
        issued = await sekisho(api, "token", "issue", "alice", "--scope", action.value)
        assert (issued.exit_code, len(issued.stdout.strip())) == (0, 47), issued.output
