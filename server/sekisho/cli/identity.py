"""Commands for projects, principals, roles and tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from sekisho.cli.session import Session, session
from sekisho.client.identity import Identity
from sekisho.identity.types import Action, Role
from sekisho.kernel.clock import from_epoch_ms, iso

ROLES = click.Choice([role.value for role in Role])
SCOPES = click.Choice([action.value for action in Action])


def _identity(state: Session) -> Identity:
    return Identity(state.connection)


@click.command()
@session
def whoami(state: Session) -> None:
    """Who this token makes you, in which roles, and until when."""
    me = _identity(state).whoami()
    roles = "; ".join(f"{project}: {', '.join(held)}" for project, held in me["roles"].items()) or "no role yet"
    scopes = me["token"]["scopes"]
    limit = f", limited to {', '.join(scopes)}" if scopes is not None else ""
    state.show(me, f"{me['principal']} ({me['kind']}) · {roles}{limit} · until {_day(me['token']['expires_at'])}")


@click.group()
def project() -> None:
    """Projects: namespaces with their own names and roles."""


@project.command("create")
@click.argument("name")
@session
def create_project(state: Session, name: str) -> None:
    """Make the project NAME."""
    state.show(_identity(state).create_project(name), f"project {name} is there; grant roles in it next")


@project.command("list")
@session
def list_projects(state: Session) -> None:
    """The projects in which you have a role."""
    found = _identity(state).projects()
    state.show({"items": found}, _lines([item["name"] for item in found], "no project"))


@click.group()
def principal() -> None:
    """People and services."""


@principal.command("create")
@click.argument("name")
@click.option("--kind", type=click.Choice(["person", "service"]), default="person", show_default=True)
@click.option("--display", default="", help="The name that people read.")
@click.option("--email", help="The address of this person's commits.")
@session
def create_principal(state: Session, name: str, kind: str, display: str, email: str | None) -> None:
    """Make the person or service NAME known, without any role yet."""
    made = _identity(state).create_principal(name, kind, display=display, email=email)
    state.show(made, f"{kind} {name} is known; `sekisho role grant {name} <role>` comes next")


@principal.command("list")
@session
def list_principals(state: Session) -> None:
    """Everyone, by name."""
    found = _identity(state).principals()
    state.show({"items": found}, _lines([f"{item['name']}  {item['kind']}  {item['display']}" for item in found], ""))


@principal.command("show")
@click.argument("name")
@session
def show_principal(state: Session, name: str) -> None:
    """One principal with his roles."""
    found = _identity(state).principal(name)
    maker = f", created by {found['created_by']}" if found["created_by"] else ""
    roles = [f"  {role['role']} in {role['project']}, granted by {role['granted_by']}" for role in found["roles"]]
    head = f"{found['name']} ({found['kind']}) {found['display']} {found['email'] or ''}".rstrip() + maker
    state.show(found, _lines([head, *roles], ""))


@click.group()
def role() -> None:
    """Roles of principals in a project."""


_everywhere = click.option("--everywhere", is_flag=True, help="In every project, instead of the one you work in.")


@role.command("grant")
@click.argument("principal")
@click.argument("role", type=ROLES)
@_everywhere
@session
def grant_role(state: Session, principal: str, role: str, everywhere: bool) -> None:
    """Give PRINCIPAL the ROLE in the project."""
    where = "*" if everywhere else state.project
    made = _identity(state).grant_role(principal, where, role)
    state.show(made, f"{principal} is {role} in {_place(where)}")


@role.command("revoke")
@click.argument("principal")
@click.argument("role", type=ROLES)
@_everywhere
@session
def revoke_role(state: Session, principal: str, role: str, everywhere: bool) -> None:
    """Take the ROLE in the project from PRINCIPAL."""
    where = "*" if everywhere else state.project
    _identity(state).revoke_role(principal, where, role)
    gone = {"principal": principal, "project": where, "role": role, "revoked": True}
    state.show(gone, f"{principal} is no longer {role} in {_place(where)}")


@click.group()
def token() -> None:
    """API tokens: shown once, expiring, kept as a hash."""


@token.command("issue")
@click.argument("principal", required=False)
@click.option("--scope", "scopes", type=SCOPES, multiple=True, help="What it is limited to; repeat for several.")
@click.option("--days", type=click.IntRange(1, 365), help="How long it lives.  [default: 90]")
@session
def issue_token(state: Session, principal: str | None, scopes: Sequence[str], days: int | None) -> None:
    """Issue a token for PRINCIPAL, or for yourself; standard output carries the secret, this once."""
    made = _identity(state).issue_token(principal, scopes=scopes or None, expires_in_days=days)
    state.say(f"token {made['token']['id']} of {made['token']['principal']}, until {_day(made['token']['expires_at'])}")
    state.say("it is shown this once:")
    state.show(made, made["secret"])


@token.command("list")
@click.argument("principal", required=False)
@session
def list_tokens(state: Session, principal: str | None) -> None:
    """The tokens of PRINCIPAL, or your own."""
    found = _identity(state).tokens(principal)
    state.show({"items": found}, _lines([_token_line(item) for item in found], "no token"))


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@session
def revoke_token(state: Session, token_id: str) -> None:
    """Revoke the token ID, and those its holder issued for himself with it."""
    _identity(state).revoke_token(token_id)
    state.show({"token": token_id, "revoked": True}, f"token {token_id} is revoked")


def _token_line(token: Mapping[str, Any]) -> str:
    end = f"revoked {_day(token['revoked_at'])}" if token["revoked_at"] else f"until {_day(token['expires_at'])}"
    scopes = "" if token["scopes"] is None else f"  only {', '.join(token['scopes'])}"
    return f"{token['id']}  {end}  issued by {token['issued_by'] or 'the first start'}{scopes}"


def _place(project: str) -> str:
    return "every project" if project == "*" else f"project {project}"


def _day(milliseconds: int) -> str:
    return iso(from_epoch_ms(milliseconds))[:10]


def _lines(lines: Sequence[str], none: str) -> str:
    return "\n".join(lines) or none


commands: list[click.Command] = [whoami, project, principal, role, token]
