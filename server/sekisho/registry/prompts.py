"""Prompts: chat messages whose templates are rendered in a sandbox, with declared and checked variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sekisho.kernel.digests import canonical_json
from sekisho.kernel.errors import FieldError, Invalid, TooLarge
from sekisho.registry.kinds import PromptManifest
from sekisho.registry.schemas import json_path, schema_problems, value_violations

# Jinja2 and what is built on it are loaded by the first prompt, not at every start.
MAX_VARIABLES_BYTES: Final = 400_000
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RESERVED: Final = frozenset({"loop", "self", "caller", "true", "false", "none", "varargs", "kwargs"})


def prompt_problems(manifest: PromptManifest) -> list[FieldError]:
    """Everything that is wrong with a prompt: broken or unsafe templates, undeclared, unused or ill-typed variables."""
    from sekisho.registry.templates import template_problems

    wrong = [
        FieldError(f"$.messages[{index}].template", problem)
        for index, message in enumerate(manifest.messages)
        for problem in template_problems(message.template)
    ]
    for name, schema in manifest.variables.items():
        if _VARIABLE.fullmatch(name) is None or name in _RESERVED:
            wrong.append(
                FieldError(
                    json_path(["variables", name]),
                    "use a-z, 0-9 and '_', beginning with a letter; not a word of Jinja2",
                )
            )
        wrong += schema_problems(schema, ["variables", name], variable=True)
    return wrong or _variable_problems(manifest)


def _variable_problems(manifest: PromptManifest) -> list[FieldError]:
    from sekisho.registry.templates import free_variables

    used: dict[str, int] = {}
    for index, message in enumerate(manifest.messages):
        for name in free_variables(message.template):
            used.setdefault(name, index)
    undeclared = [
        FieldError(f"$.messages[{index}].template", f"uses the variable {name!r}, which is not declared in $.variables")
        for name, index in sorted(used.items())
        if name not in manifest.variables
    ]
    unused = [
        FieldError(json_path(["variables", name]), "declared, but no message uses it")
        for name in sorted(manifest.variables.keys() - used.keys())
    ]
    return undeclared + unused


def render_prompt(manifest: PromptManifest, variables: Mapping[str, Any]) -> list[dict[str, str]]:
    """The chat messages ``[{"role", "content"}]`` for these variables.

    Raises `Invalid` naming each missing, extra or ill-typed variable, or where a template reaches for a key that
    is not there or goes over its bounds.
    """
    from jinja2 import TemplateError

    from sekisho.registry.templates import Budget, render

    wrong = _value_problems(manifest, variables)
    if wrong:
        raise Invalid("the variables do not fit the prompt", fields=wrong, remedy="give exactly the declared variables")
    budget = Budget()
    messages = []
    for index, message in enumerate(manifest.messages):
        try:
            messages.append({"role": message.role, "content": render(message.template, variables, budget)})
        except (TemplateError, TypeError, OverflowError, Invalid) as error:
            raise _not_rendered(index, error) from error
    return messages


def _value_problems(manifest: PromptManifest, variables: Mapping[str, Any]) -> list[FieldError]:
    declared = manifest.variables.keys()
    wrong = [FieldError(json_path(["variables", name]), "missing") for name in sorted(declared - variables.keys())]
    wrong += [
        FieldError(json_path(["variables", name]), f"not declared; known are {', '.join(sorted(declared)) or 'none'}")
        for name in sorted(variables.keys() - declared)
    ]
    if len(canonical_json(dict(variables))) > MAX_VARIABLES_BYTES:
        raise TooLarge(f"the variables come to more than {MAX_VARIABLES_BYTES} bytes")
    for name in sorted(declared & variables.keys()):
        wrong += value_violations(manifest.variables[name], variables[name], ["variables", name])
    return wrong


def _not_rendered(index: int, error: Exception) -> Invalid:
    detail = (
        error.detail
        if isinstance(error, Invalid)
        else str(getattr(error, "message", None) or error)  # a syntax error's text would repeat the template
    )
    return Invalid(
        "the prompt could not be rendered",
        fields=[FieldError(f"$.messages[{index}].template", detail or type(error).__name__)],
        remedy=getattr(error, "remedy", None) or "mend the template, or pass what it reaches for",
    )
