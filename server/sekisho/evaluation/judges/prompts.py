"""The judges' prompts: versioned files of ``evals/judges/``, rendered like any prompt of the registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import yaml

from sekisho.inference.types import Message
from sekisho.kernel.errors import Invalid
from sekisho.kernel.references import Kind
from sekisho.kernel.trees import tree
from sekisho.registry.manifests import PromptManifest, parse_manifest


@lru_cache
def judge_prompt(name: str) -> PromptManifest:
    """The prompt ``evals/judges/<name>.yaml``. Raises `Invalid` where the file is damaged or absent."""
    path = tree("evals") / "judges" / f"{name}.yaml"
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Invalid(f"the judges' prompt {path} cannot be read: {error}", remedy="reinstall sekisho") from error
    manifest = parse_manifest(Kind.PROMPT, raw)
    assert isinstance(manifest, PromptManifest)  # noqa: S101  # narrows what the kind has decided
    return manifest


def prompt_digests(names: Iterable[str]) -> dict[str, str]:
    """The digest of each prompt's content; a comment in the file is no part of it."""
    return {name: judge_prompt(name).own_digest() for name in sorted(names)}


def messages_of(name: str, variables: Mapping[str, Any]) -> tuple[Message, ...]:
    """The rendered messages. Raises `Invalid` and `TooLarge` where the material is more than a prompt may hold."""
    from sekisho.registry.prompts import render_prompt  # Jinja2: what only lists scorers has none

    rendered = render_prompt(judge_prompt(name), variables)
    return tuple(Message(message["role"], message["content"]) for message in rendered)
