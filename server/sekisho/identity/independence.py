"""The approval rule: who is a second person to a change. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sekisho.identity.types import PrincipalKind


def independence_of(
    approver: str,
    kind: PrincipalKind | None,
    involved: Mapping[str, str],
    creators: Sequence[str],
    token_issuer: str | None,
    *,
    email: str | None = None,
    further_issuers: Sequence[str] = (),
) -> list[str]:
    """Why `approver` is no second person to the change; empty where he is.

    `involved` maps who had a hand in it (principal names; e-mails and git's ``Name <e-mail>`` where no principal is
    known by them) to what he did. A service is no person (`kind` None: nobody of that name exists). An approver
    may be none of the involved, nor created by one (`creators`: who created him, who created that one, and so
    on), nor act by a token that came from one (`token_issuer`, and `further_issuers` behind him).
    """
    if kind is not PrincipalKind.PERSON:
        return [f"{approver} is a service, and only people approve" if kind else f"there is no principal {approver}"]
    reasons = []
    issuers = [name for name in (token_issuer, *further_issuers) if name and name != approver]
    for who, because in involved.items():
        part = because.replace("_", " ")
        if _is(who, approver, email):
            reasons.append(f"{approver} is the {part} of the change")
        elif any(_is(who, name) for name in creators):
            way = "" if _is(who, creators[0]) else "by way of others "
            reasons.append(f"{approver} was created {way}by {who}, the {part} of the change")
        if any(_is(who, name) for name in issuers):
            reasons.append(f"{approver} acts by a token that came from {who}, the {part} of the change")
    return reasons


def email_of(text: str) -> str:
    """The address in ``Name <address>``, or the text itself; in the form in which addresses are compared."""
    _, bracket, tail = text.rpartition("<")
    address = tail.partition(">")[0] if bracket else text
    return address.strip().casefold()


def name_of(text: str) -> str:
    """The name in ``Name <address>``, or the text itself; in the form in which names are compared."""
    return text.partition("<")[0].strip().casefold()


def _is(who: str, name: str, email: str | None = None) -> bool:
    return name_of(who) == name or (email is not None and email_of(who) == email_of(email))
