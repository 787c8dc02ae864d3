"""What roles and scopes permit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.identity.types import ROLE_ACTIONS, Action, Actor, PrincipalKind, Role
from sekisho.kernel.errors import Forbidden, NotFound
from sekisho.ledger.types import Reader


def actor(
    *roles: Role,
    project: str = "default",
    scopes: frozenset[Action] | None = None,
    projects: frozenset[str] | None = None,
) -> Actor:
    held = {project: frozenset(roles)} if roles else {}
    return Actor("alice", PrincipalKind.PERSON, held, scopes, "t", None, projects)


def test_another_projects_name_is_not_found() -> None:
    """Where the actor has no role at all, the project's existence is not told."""
    with pytest.raises(NotFound, match="no project other"):
        actor(Role.ADMIN).require("other", Action.READ)


def test_a_project_that_does_not_exist_is_not_found_for_an_admin_either() -> None:
    """A role everywhere does not make projects exist."""
    everywhere = actor(Role.ADMIN, project="*", projects=frozenset({"default"}))
    everywhere.require("default", Action.READ)
    with pytest.raises(NotFound):
        everywhere.require("nowhere", Action.READ)


def test_the_refusal_names_the_roles_that_would_do() -> None:
    """Whoever is refused learns what to ask an admin for."""
    with pytest.raises(Forbidden) as refusal:
        actor(Role.VIEWER).require("default", Action.REGISTER)
    assert refusal.value.detail == "alice may not register in project default"
    assert "author, admin" in str(refusal.value.remedy)


def test_the_refusal_names_the_scopes() -> None:
    """A token that is too narrow is told apart from a missing role."""
    with pytest.raises(Forbidden, match="limited to: read"):
        actor(Role.AUTHOR, scopes=frozenset({Action.READ})).require("default", Action.REGISTER)


def test_the_whole_server_is_forbidden_rather_than_not_found() -> None:
    """That there is a whole server is no secret."""
    with pytest.raises(Forbidden, match="every project"):
        actor(Role.ADMIN).require("*", Action.ADMINISTER)


def test_an_admin_does_not_approve() -> None:
    """Approving takes the approver's role, even from an admin of everything."""
    assert not actor(Role.ADMIN, project="*").may("default", Action.APPROVE)
    assert actor(Role.APPROVER).may("default", Action.APPROVE)


def test_every_role_reads() -> None:
    """Nobody has a role without seeing the project."""
    assert all(Action.READ in ROLE_ACTIONS[role] for role in Role)


@given(st.sets(st.sampled_from(Role)), st.none() | st.frozensets(st.sampled_from(Action)), st.sampled_from(Action))
def test_scopes_only_narrow(roles: set[Role], scopes: frozenset[Action] | None, action: Action) -> None:
    """A scoped token never permits what the same roles without scopes would not."""
    narrow, wide = actor(*roles, scopes=scopes), actor(*roles)
    assert not narrow.may("default", action) or wide.may("default", action)
    assert narrow.may("default", action) == (wide.may("default", action) and (scopes is None or action in scopes))


def test_an_actor_reads_the_ledger_as_far_as_his_roles_go() -> None:
    """The ledger sees in him the projects that he may read, within his token's scopes."""
    reader: Reader = actor(Role.VIEWER)
    assert isinstance(reader, Reader)
    assert reader.readable == {"default"}
    assert actor(Role.ADMIN, project="*").readable == {"*"}
    assert actor(Role.ADMIN, scopes=frozenset({Action.REGISTER})).readable == frozenset()
