"""Who is a second person to a change."""

from __future__ import annotations

from typing import Any

import pytest

from sekisho.identity.independence import independence_of
from sekisho.identity.types import PrincipalKind

PERSON = PrincipalKind.PERSON
INVOLVED = {"alice": "author", "ci": "requester", "carol": "commit_author"}

REFUSED: dict[str, dict[str, Any]] = {
    "a service": {"approver": "bot", "kind": PrincipalKind.SERVICE},
    "nobody known": {"approver": "ghost", "kind": None},
    "the author": {"approver": "alice", "creators": ("admin",)},
    "the human behind the commit": {"approver": "carol"},
    "created by the author": {"approver": "alice2", "creators": ("alice", "admin")},
    "created by the author's creature": {"approver": "alice3", "creators": ("alice2", "alice", "admin")},
    "created by the requester": {"approver": "bob", "creators": ("ci",)},
    "by the author's token": {"approver": "bob", "token_issuer": "alice"},
    "by a token behind which the author stands": {
        "approver": "bob",
        "token_issuer": "dave",
        "further_issuers": ("alice",),
    },
}


@pytest.mark.parametrize("who", REFUSED)
def test_who_is_no_second_person(who: str) -> None:
    """Each way of being one with those who made the change gives its reason."""
    case: dict[str, Any] = {"kind": PERSON, "creators": ("admin",), "token_issuer": "admin", "involved": INVOLVED}
    assert len(independence_of(**{**case, **REFUSED[who]})) == 1


def test_a_second_person() -> None:
    """Somebody made by an admin who had no hand in the change is independent."""
    assert independence_of("bob", PERSON, INVOLVED, ("admin",), "admin") == []


def test_the_reasons_are_said() -> None:
    """The reasons name who, and what part he had."""
    assert independence_of("alice2", PERSON, {"alice": "commit_author"}, ("alice",), "alice") == [
        "alice2 was created by alice, the commit author of the change",
        "alice2 acts by a token that came from alice, the commit author of the change",
    ]


@pytest.mark.parametrize("who", ["Bob@Example.org", "Robert <bob@example.org>", "BOB <other@example.org>"])
def test_a_commit_is_matched_by_e_mail_and_name(who: str) -> None:
    """Git's author line means the approver by address, whatever its case, or by name."""
    found = independence_of("bob", PERSON, {who: "commit_author"}, ("admin",), None, email="bob@example.ORG")
    assert found == ["bob is the commit author of the change"]


def test_one_who_issued_his_own_token_is_not_his_own_issuer() -> None:
    """Renewing a token for oneself brings nobody in."""
    assert independence_of("bob", PERSON, INVOLVED, (), "bob") == []
