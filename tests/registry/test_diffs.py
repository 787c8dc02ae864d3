"""What changed between two manifests."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sekisho.registry.diffs import as_steps, as_text
from tests.registry import manifests

JSON = st.recursive(
    st.booleans() | st.integers(-99, 99) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def test_steps_name_what_was_added_removed_and_replaced() -> None:
    """Each step has its JSON pointer; an added item shifts no other."""
    files = [{"path": name, "bytes": 1} for name in ("a", "b", "c")]
    before: dict[str, Any] = {"files": files, "licence": "MIT", "gone": 1}
    after = {
        "files": [files[0], {"path": "aa", "bytes": 1}, files[1], {**files[2], "bytes": 2}],
        "licence": "MIT",
        "x/y": 2,
    }
    assert as_steps(before, after) == [
        {"op": "add", "path": "/files/1", "to": {"path": "aa", "bytes": 1}},
        {"op": "replace", "path": "/files/3/bytes", "from": 1, "to": 2},
        {"op": "remove", "path": "/gone", "from": 1},
        {"op": "add", "path": "/x~1y", "to": 2},
    ]


def test_a_template_is_compared_line_by_line() -> None:
    """The text shows the changed line of a template alone."""
    before, after = (manifests.prompt(f"Line one\nLine {word}\n{{{{ context }}}}") for word in ("two", "2"))
    text = as_text(before, after, "prompt/ask@v1", "prompt/ask@v2")
    changed = [line for line in text.splitlines() if line[0] in "+-"]
    assert [line.split() for line in changed] == [
        ["---", "prompt/ask@v1"], ["+++", "prompt/ask@v2"], ["-", "Line", "two"], ["+", "Line", "2"],
    ]  # fmt: skip


@given(JSON, JSON)
def test_there_are_no_steps_exactly_where_nothing_changed(before: Any, after: Any) -> None:
    """Equal values give no step, different ones at least one."""
    same = repr(before) == repr(after) or (before == after and type(before) is type(after) and before not in (0, 1))
    assert as_steps(before, before) == []
    if not same and before != after:
        assert as_steps(before, after)
