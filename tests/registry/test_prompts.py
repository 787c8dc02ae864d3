"""Prompts: templates that are refused when registered, and rendering that ends."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sekisho.kernel.errors import Invalid, TooLarge
from sekisho.kernel.references import Kind
from sekisho.registry.manifests import PromptManifest, parse_manifest
from sekisho.registry.prompts import render_prompt
from tests.registry import manifests


def parsed(template: str, variables: dict[str, Any] | None = None) -> PromptManifest:
    found = parse_manifest(Kind.PROMPT, manifests.prompt(template, variables=variables or {}))
    assert isinstance(found, PromptManifest)
    return found


def rendered(template: str, schema: dict[str, Any] | None = None, **values: Any) -> str:
    variables = {name: schema or {} for name in values}
    return render_prompt(parsed(template, variables), values)[0]["content"]


BAD = {
    "broken": ("{{ x", "line 1"),
    "a tag that is not closed": ("{% for a in x %}", "Unexpected end of template"),
    "an attribute of a text": ("{{ ''.__class__ }}", "__class__"),
    "an item of that name": ("{{ x['__class__'] }}", "__class__"),
    "a hidden attribute": ("{{ x._secret }}", "_secret"),
    "attr": ("{{ x|attr('a') }}", "filter 'attr'"),
    "a call": ("{{ x() }}", "calls"),
    "a method": ("{{ x.upper() }}", "calls"),
    "range": ("{% for i in range(10**9) %}{% endfor %}", "calls"),
    "a recursive loop": ("{% for a in x recursive %}{{ loop(a) }}{% endfor %}", "recursive"),
    "loops too deep": ("{% for a in x %}" * 4 + "{% endfor %}" * 4, "deep"),
    "a loop over an expression": ("{% for a in x ~ x %}{% endfor %}", "loop runs over"),
    "an assignment": ("{% set y = x %}", "assign"),
    "a macro": ("{% macro m() %}{% endmacro %}", "macro"),
    "an include": ("{% include 'a' %}", "include"),
    "an import": ("{% import 'a' as b %}", "import"),
    "extends": ("{% extends 'a' %}", "extends"),
    "a block": ("{% block b %}{% endblock %}", "block"),
    "multiplication": ("{{ 'a' * 10 }}", "mul"),
    "power": ("{{ 9 ** 9 }}", "pow"),
    "formatting": ("{{ '%99999d' % x }}", "mod"),
    "an unknown filter": ("{{ x|center(99999) }}", "filter 'center'"),
    "a growing filter on another": ("{{ x|tojson|tojson }}", "tojson"),
    "an unknown test": ("{{ x is divisibleby 3 }}", "test 'divisibleby'"),
    "too many joined": ("{{ x" + " ~ x" * 60 + " }}", "joins more than"),
    "too many statements": ("{{ x }}" * 2001, "more than"),
    "nested too deep": ("{{ " + "(" * 3000 + "x" + ")" * 3000 + " }}", "nested"),
}


@pytest.mark.parametrize(("template", "words"), BAD.values(), ids=BAD.keys())
def test_a_template_outside_the_dialect_is_refused(template: str, words: str) -> None:
    """Whatever could reach out of the sandbox or run without end is refused when the prompt is registered."""
    with pytest.raises(Invalid) as refused:
        parsed(template, {"x": {}})
    places = {field.path for field in refused.value.fields}
    assert places == {"$.messages[0].template"}
    assert any(words in field.message for field in refused.value.fields), refused.value.fields


def test_variables_are_declared_and_used() -> None:
    """An undeclared variable is named at the template, a declared one that no message uses at the declaration."""
    with pytest.raises(Invalid) as refused:
        parsed("{{ a }}{% for b in c %}{{ b }}{% endfor %}", {"a": {}, "d": {}})
    assert [field.path for field in refused.value.fields] == ["$.messages[0].template", "$.variables.d"]
    assert "'c'" in refused.value.fields[0].message


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "txt"}, "$.variables.a.type"),
        ({"$ref": "https://example.org/schema"}, "$.variables.a['$ref']"),
        ({"$ref": "#"}, "$.variables.a['$ref']"),
        ({"type": "string", "pattern": "(a+)+$"}, "$.variables.a.pattern"),
        ({"items": {"properties": {"x": {"pattern": "a"}}}}, "$.variables.a.items.properties.x.pattern"),
    ],
)
def test_a_variables_schema_is_a_plain_one(schema: dict[str, Any], path: str) -> None:
    """Schemas that are broken, lead elsewhere or could take for ever are refused by path."""
    with pytest.raises(Invalid) as refused:
        parsed("{{ a }}", {"a": schema})
    assert [field.path for field in refused.value.fields] == [path]


@pytest.mark.parametrize("name", ["Bad", "_a", "loop", "a-b"])
def test_a_variables_name_is_a_plain_word(name: str) -> None:
    """Names that the template language uses or hides are refused."""
    with pytest.raises(Invalid):
        parsed("x", {name: {}})


def test_missing_extra_and_ill_typed_variables_are_refused_together() -> None:
    """Rendering takes exactly the declared variables, of the declared types."""
    prompt = parsed("{{ a }}{{ b }}", {"a": {"type": "string"}, "b": {"type": "array", "items": {"type": "integer"}}})
    with pytest.raises(Invalid) as refused:
        render_prompt(prompt, {"b": [1, "two"], "c": 1})
    assert {field.path for field in refused.value.fields} == {"$.variables.a", "$.variables.b[1]", "$.variables.c"}


def test_a_prompt_is_rendered() -> None:
    """Choices, loops, keys, filters and values that are not text come out as JSON writes them; nothing is escaped."""
    template = (
        "{% for p in passages %}[{{ loop.index }}/{{ loop.length }}] {{ p.title|upper }} {{ p['text']|trim }}\n"
        "{% endfor %}{% if strict and passages|length > 1 %}Quote. {% endif %}"
        "{{ tags|join(', ') }} {{ strict }} {{ limit }} {{ extra|tojson }} {{ q }}"
    )
    text = rendered(
        template, passages=[{"title": "é", "text": " a "}, {"title": "b", "text": "c"}], strict=True,
        tags=["x", "y"], limit=None, extra={"b": 1, "a": "<&>"}, q="<b>関所</b>",
    )  # fmt: skip
    assert text == '[1/2] É a\n[2/2] B c\nQuote. x, y true null {"a": "<&>", "b": 1} <b>関所</b>'


@pytest.mark.parametrize(
    "template", ["{{ a.title }}", "{{ a.b.c }}", "{{ a[5] }}", "{{ a.items }}", "{{ a|first|upper }}"]
)
def test_a_key_that_is_not_there_is_refused(template: str) -> None:
    """A missing key is an error that names the message, and a method of Python is no key."""
    with pytest.raises(Invalid) as refused:
        rendered(template, a={"b": {}})
    assert refused.value.fields[0].path == "$.messages[0].template"


@pytest.mark.parametrize(
    ("template", "values", "words"),
    [
        ("{% for a in x %}{% for b in x %}.{% endfor %}{% endfor %}", {"x": [0] * 200}, "loops more than"),
        ("{% for a in x %}{{ y }}{% endfor %}", {"x": [0] * 100, "y": "y" * 9000}, "characters"),
        ("{% for a in x %}" + "{% if y|upper == a %}{% endif %}" * 200 + "{% endfor %}",
         {"x": [0] * 9000, "y": "y" * 90_000}, "longer than"),
        ("{% for a in x %}{% endfor %}", {"x": 3}, "loops over int"),
    ],
)  # fmt: skip
def test_a_rendering_ends_soon(template: str, values: dict[str, Any], words: str) -> None:
    """Turns, characters and seconds of one rendering are bounded, and going over is a plain refusal."""
    began = time.monotonic()
    with pytest.raises(Invalid) as refused:
        rendered(template, **values)
    assert words in str(refused.value)
    assert time.monotonic() - began < 10


def test_too_much_to_render_is_refused() -> None:
    """The values together have a bound."""
    with pytest.raises(TooLarge):
        rendered("{{ a }}", a="x" * 400_001)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@settings(max_examples=60, deadline=None)
@given(JSON)
def test_any_json_value_can_be_rendered(value: Any) -> None:
    """A value comes out once and never raises anything but a refusal."""
    text = rendered("{{ a }}|{% if a %}{{ a|tojson }}{% endif %}", a=value)
    assert text.startswith(value if isinstance(value, str) else ("null" if value is None else ""))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="{}%|.()[]'\"_ abx~*+-=<>0123456789inforendsetrange", max_size=60))
def test_any_text_is_accepted_or_refused(template: str) -> None:
    """No template makes registering fail in another way than by a refusal."""
    try:
        found = parsed(template, {})
    except Invalid:
        return
    assert render_prompt(found, {})[0]["role"] == "user"
