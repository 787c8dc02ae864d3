"""References: parsed or refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import DigestPrefix, Kind, Latest, Number, Reference, Stage, parse_reference

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("agent/support", Reference("default", Kind.AGENT, "support")),
        ("agent/support@production", Reference("default", Kind.AGENT, "support", Stage("production"))),
        ("eu/prompt/a.b_c@v3", Reference("eu", Kind.PROMPT, "a.b_c", Number(3))),
        ("index/x@latest", Reference("default", Kind.INDEX, "x", Latest())),
        (f"index/x@sha256:{HEX}", Reference("default", Kind.INDEX, "x", DigestPrefix(HEX))),
        (f"index/x@{HEX[:12]}", Reference("default", Kind.INDEX, "x", DigestPrefix(HEX[:12]))),
        ("index/x@dead", Reference("default", Kind.INDEX, "x", Stage("dead"))),
    ],
)
def test_what_is_well_formed_is_parsed(text: str, parsed: Reference) -> None:
    """Each form of selector has its own type."""
    assert parse_reference(text) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "support",
        "tool/support",
        "agent/Support",
        "agent/support@",
        "agent/support@v0",
        "agent/support@sha256:abc",
        f"agent/support@{HEX[:11]}",
        f"agent/support@sha256:{HEX}0",
        "agent/support@Production",
        "a/b/c/d@latest",
        "agent/../x",
        "agent/-x",
        "agent/" + "x" * 65,
        "",
    ],
)
def test_what_is_not_is_refused_with_the_mend(text: str) -> None:
    """An unknown kind, a short digest, a bad name: each says what to write instead."""
    with pytest.raises(Invalid) as caught:
        parse_reference(text)
    assert caught.value.remedy


names = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)
selectors = st.one_of(
    st.none(),
    st.just(Latest()),
    st.integers(1, 999).map(Number),
    st.text("0123456789abcdef", min_size=64, max_size=64).map(DigestPrefix),
    st.sampled_from(["dev", "staging", "production"]).map(Stage),
)


@given(st.builds(Reference, names, st.sampled_from(Kind), names, selectors))
def test_writing_and_parsing_are_inverse(reference: Reference) -> None:
    """Whatever is written is read back as the same."""
    assert parse_reference(str(reference)) == reference
