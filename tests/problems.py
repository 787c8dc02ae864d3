"""Problem details as tests look at them."""

from __future__ import annotations

from typing import Any

import httpx


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The problem's body, once its outer form is seen to be right."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = response.json()
    assert body["type"] == f"https://sekisho.dev/problems/{slug}"
    assert body["status"] == status
    assert body["instance"] == response.request.url.path
    return body
