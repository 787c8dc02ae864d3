"""Asking a judge one question: bounded, constrained by a JSON Schema, repaired once, and then no answer at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeVar

from sekisho.evaluation.judges.prompts import messages_of
from sekisho.inference.types import Answer, Answerer, AnswerRequest, Message
from sekisho.kernel.errors import Invalid, ModelFailed
from sekisho.kernel.json import decode_json
from sekisho.registry.manifests import ModelManifest

T = TypeVar("T")
SEED: Final = 20_261_125
DEFAULTS: Final[Mapping[str, int]] = {"num_ctx": 4096, "num_predict": 1024}
"""What a judge is asked with where its model's manifest names no options of its own."""
MAX_OUTPUT: Final = 64_000
"""Characters of an output; a longer one is not parsed."""
_SHOWN_AGAIN: Final = 2_000
_TOKENS: Final = 192
"""What a judge may write for each thing that it is asked about; small models fill what is left with blanks."""
_BYTES_PER_TOKEN: Final = 16


class Unusable(Exception):
    """The judge gave nothing that counts; the text says why."""


class Models(Protocol):
    """What a judge needs of inference."""

    async def answerer(self, model: ModelManifest) -> Answerer: ...


@dataclass(frozen=True)
class Judge:
    """A model that judges: an `Answerer` under its own options, at temperature 0 whatever the manifest says.

    Of a request's options only a lower `num_predict` counts.
    """

    model: ModelManifest
    answerer: Answerer

    @property
    def digest(self) -> str:
        return self.answerer.digest

    async def answer(self, request: AnswerRequest) -> Answer:
        """Raises `ModelFailed`, also for a prompt that cannot fit the context: it is never cut."""
        options = judge_options(self.model)
        if "num_predict" in request.options:
            options["num_predict"] = min(options["num_predict"], int(request.options["num_predict"]))
        size = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
        # No tokenizer puts more bytes into its average token; what is over this need not be tried. What is under it
        # is counted by the host, which refuses a prompt that it would have to cut.
        if size > options["num_ctx"] * _BYTES_PER_TOKEN:
            raise ModelFailed(
                f"the judge's prompt of {size} bytes cannot fit its context of {options['num_ctx']} tokens",
                remedy="raise num_ctx in the options of the judge's model, or retrieve fewer or shorter passages",
            )
        return await self.answerer.answer(replace(request, options=options))

    async def check(self) -> None:
        await self.answerer.check()


async def open_judge(models: Models, model: ModelManifest) -> Judge:
    """The judge under exactly the manifest's digest. Raises `ModelFailed` where no host has it now."""
    return Judge(model, await models.answerer(model))


def judge_options(model: ModelManifest) -> dict[str, int]:
    """The options that a judge is asked with: they are part of its digest."""
    own = {name: int(value) for name, value in model.options.items()}
    return {**DEFAULTS, **own, "temperature_bp": 0}


async def ask_json(
    judge: Answerer,
    prompt: str,
    variables: Mapping[str, Any],
    schema: Mapping[str, Any],
    read: Callable[[Any], T],
    seed: int,
) -> T:
    """Ask, read, and where that fails show the judge what was wrong, once.

    `read` raises `Unusable` for what does not count. Raises `Unusable` where the second output does not either,
    `ModelFailed` where the model gives none.
    """
    messages = messages_of(prompt, variables)
    limit = _TOKENS * (1 + len(schema["properties"]))
    request = AnswerRequest(messages, (), "", options={"num_predict": limit}, seed=seed, schema=schema)
    first = await judge.answer(request)
    try:
        return read(_decoded(first))
    except Unusable as problem:
        said = Message("assistant", first.text[:_SHOWN_AGAIN])
        again = replace(request, messages=(*messages, said, *messages_of("repair", {"problem": str(problem)})))
        second = await judge.answer(again)
    try:
        return read(_decoded(second))
    except Unusable as problem:
        raise Unusable(f"the judge's output cannot be used, and its repair neither: {problem}") from problem


def _decoded(answer: Answer) -> Any:
    """The output as JSON; its size is looked at before anything else."""
    if len(answer.text) > MAX_OUTPUT:
        raise Unusable(f"it is {len(answer.text)} characters long, and at most {MAX_OUTPUT} are read")
    if not answer.text.strip():
        raise Unusable("it is empty")
    try:
        return decode_json(answer.text.encode("utf-8", "surrogatepass"))
    except Invalid as error:
        # One that decodes is whole also where the model went on with blanks until it was stopped.
        cut = "it was cut off at num_predict: " if answer.finish == "length" else ""
        raise Unusable(cut + error.fields[0].message) from error


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def keyed(value: Any, names: list[str]) -> dict[str, Any]:
    """The output as an object with exactly these names. Raises `Unusable`."""
    if not isinstance(value, dict):
        raise Unusable(f"it is {_kind(value)}, and one JSON object was asked for")
    if missing := [name for name in names if name not in value]:
        raise Unusable(f"it says nothing about {', '.join(missing)}")
    if extra := [name for name in value if name not in names]:
        raise Unusable(f"nobody asked about {', '.join(json.dumps(name)[:40] for name in extra[:3])}")
    return value


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "a boolean", type(None): "null"}.get(type(value), "a number")
