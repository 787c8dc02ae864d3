"""Policies with a package of a user's own, and two people who own policy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sekisho.gate.policies import PolicySet, policy_set
from sekisho.identity.types import EVERYWHERE, Actor, PrincipalKind, Role
from sekisho.wiring.services import Services
from tests.gate.inputs import shipped_policies

HEAD = """package user.acme

# METADATA
# title: The agent is named well
# description: The agent's name has four letters or more.
# custom:
#   id: ACM-01
#   severity: low
#   kinds: [agent, prompt]
#   actions: [promote]
#   remedy: Give it a longer name.
#   frameworks: []
results["ACM-01"] := data.sekisho.report.finding(
	checks,
	data.sekisho.report.absent("it has no name", "a name", "name it"),
)

"""
LONG_NAMES = """checks contains data.sekisho.report.check(
	{true: "passed", false: "failed"}[is_long],
	sprintf("it is called %s", [input.subject.name]),
	input.subject.name,
	"four letters or more",
	"give it a longer name",
)

default is_long := false

is_long if count(input.subject.name) >= 4
"""
TEST = """package user.acme_test

test_a_long_name_passes if {
	found := data.user.acme.results["ACM-01"] with input as {"subject": {"name": "assistant"}}
	found.status == "passed"
}
"""
Json = dict[str, Any]


def acme(body: str = LONG_NAMES, *, test: str = TEST, change: Callable[[Json], object] | None = None) -> PolicySet:
    """The shipped policy and a rule of Acme's, with changed policy data where told."""
    return with_files({"user/acme.rego": HEAD + body, "user/acme_test.rego": test}, change=change)


def with_files(files: dict[str, str], *, change: Callable[[Json], object] | None = None) -> PolicySet:
    """The shipped policy with these files among its own."""
    shipped = shipped_policies()
    data = copy.deepcopy(dict(shipped.data))
    if change is not None:
        change(data["parameters"])
    added = {path: text.encode() for path, text in files.items()}
    return policy_set({**shipped.files, **shipped.tests, **added}, data)


def strict(*, change: Callable[[Json], object] | None = None) -> PolicySet:
    """The same rule, which asks for a name that nothing has."""
    long = TEST.replace("assistant", "a" * 40)
    return acme(LONG_NAMES.replace(">= 4", ">= 40"), test=long, change=change)


def looser(parameters: Json) -> None:
    """Nothing is asked of a version at production but integrity, and it may enter there."""
    parameters["entry"].append("production")
    parameters["stages"]["production"] = {"mode": "off", "rules": {}}


def canary(parameters: Json) -> None:
    """One more stage."""
    parameters["order"].append("canary")
    parameters["entry"].append("canary")
    parameters["stages"]["canary"] = {"mode": "warn", "rules": {}}


async def owner(services: Services, name: str, *, by: Actor | None = None) -> Actor:
    """A person who owns policy, created by the first admin unless told."""
    return await _person(services, name, EVERYWHERE, Role.POLICY_OWNER, by)


async def author(services: Services, name: str) -> Actor:
    """A person who registers and promotes in the default project."""
    return await _person(services, name, "default", Role.AUTHOR, None)


async def first_admin(services: Services) -> Actor:
    """Who holds the token that the first start wrote."""
    token = (services.settings.data_dir / "admin.token").read_text().strip()
    return await services.identity.authenticate(token)


async def _person(services: Services, name: str, project: str, role: Role, by: Actor | None) -> Actor:
    identity, creator = services.identity, by or await first_admin(services)
    await identity.create_principal(creator, name, PrincipalKind.PERSON)
    await identity.grant_role(creator, name, project, role)
    _, secret = await identity.issue_token(creator, name)
    return await identity.authenticate(secret)
