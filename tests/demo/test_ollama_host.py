"""The demo takes along an Ollama that is there, and does without one that is not."""

from __future__ import annotations

import pytest
from tests.conftest import service_url
from tests.gate.opa import free_port

from sekisho.cli.demo.server import ollama_answers


def test_a_real_host_answers() -> None:
    """It says its version."""
    assert ollama_answers(service_url("SEKISHO_TEST_OLLAMA_URL"))


@pytest.mark.parametrize("service", ["", "SEKISHO_TEST_OPA_URL"])
def test_nobody_and_somebody_else_do_not(service: str) -> None:
    """An empty port, and another program's, are no Ollama."""
    address = service_url(service) if service else f"http://127.0.0.1:{free_port()}"
    assert not ollama_answers(address)
