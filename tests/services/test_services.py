"""Each real service answers as the tests that use it will ask. Needs `make services`."""

import json
import math
import subprocess
import urllib.request
from typing import Any

import asyncpg
import pytest

from tests.conftest import service_url


def ask(url: str, body: object | None = None, method: str | None = None) -> Any:
    """GET, or POST with a JSON body; a str goes as it is."""
    data = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    kind = "text/plain" if isinstance(body, str) else "application/json"
    request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as response:
        return json.loads(response.read() or b"null")


def dot(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True))


def test_opa_has_no_policy_until_a_test_puts_one() -> None:
    """OPA answers undefined as 200 with no result, then evaluates a policy put over REST, and forgets it."""
    opa = service_url("SEKISHO_TEST_OPA_URL")
    rego = "package sekisho_smoke\n\nimport rego.v1\n\nanswer := input.left + input.right\n"
    question = {"input": {"left": 40, "right": 2}}

    before = ask(f"{opa}/v1/data/sekisho_smoke/answer", question)
    ask(f"{opa}/v1/policies/sekisho_smoke", rego, "PUT")
    try:
        during = ask(f"{opa}/v1/data/sekisho_smoke/answer", question)
    finally:
        ask(f"{opa}/v1/policies/sekisho_smoke", method="DELETE")

    assert "result" not in before
    assert during == {"result": 42}
    assert "result" not in ask(f"{opa}/v1/data/sekisho_smoke/answer", question)


def test_opa_program_is_the_version_that_the_product_asks_for() -> None:
    """The OPA program for `opa test` and `opa build` is 1.21.3."""
    asked = subprocess.run([service_url("SEKISHO_TEST_OPA_BINARY"), "version"], capture_output=True, text=True)

    assert "Version: 1.21.3" in asked.stdout


@pytest.mark.slow
def test_ollama_obeys_a_json_schema() -> None:
    """SmolLM2 answers in the shape that `format` prescribes, the same bytes for the same seed."""
    question = {
        "model": service_url("SEKISHO_TEST_OLLAMA_CHAT_MODEL"),
        "stream": False,
        "options": {"temperature": 0, "seed": 7, "num_ctx": 1024, "num_predict": 128},
        "messages": [{"role": "user", "content": "Is the sea salty? Answer in JSON."}],
        "format": {
            "type": "object",
            "properties": {"verdict": {"type": "string", "enum": ["yes", "no"]}},
            "required": ["verdict"],
        },
    }
    url = f"{service_url('SEKISHO_TEST_OLLAMA_URL')}/api/chat"

    first, second = (ask(url, question)["message"]["content"] for _ in range(2))

    assert json.loads(first)["verdict"] in {"yes", "no"}
    assert first == second


@pytest.mark.slow
def test_ollama_embeds_meaning_in_unit_vectors() -> None:
    """MiniLM through Ollama gives 384 numbers of length one, and a paraphrase is nearer than a stranger."""
    texts = ["How do I reset my password?", "I forgot my password.", "The cat sleeps on the roof."]
    body = {"model": service_url("SEKISHO_TEST_OLLAMA_EMBED_MODEL"), "input": texts}

    vectors = ask(f"{service_url('SEKISHO_TEST_OLLAMA_URL')}/api/embed", body)["embeddings"]
    question, paraphrase, stranger = vectors

    assert [len(vector) for vector in vectors] == [384, 384, 384]
    assert all(math.isclose(math.hypot(*vector), 1, abs_tol=1e-4) for vector in vectors)
    assert dot(question, paraphrase) > dot(question, stranger) + 0.3


async def test_postgres_takes_japanese_and_many_connections() -> None:
    """PostgreSQL keeps UTF-8 text and admits enough clients for parallel tests."""
    url = service_url("SEKISHO_TEST_POSTGRES_URL").replace("+asyncpg", "")
    connection = await asyncpg.connect(url)
    try:
        assert await connection.fetchval("select $1::text", "関所") == "関所"
        assert int(await connection.fetchval("show max_connections")) >= 200
    finally:
        await connection.close()


def test_chroma_has_a_heartbeat() -> None:
    """The Chroma server answers on its second API."""
    assert ask(f"{service_url('SEKISHO_TEST_CHROMA_URL')}/api/v2/heartbeat")["nanosecond heartbeat"] > 0
