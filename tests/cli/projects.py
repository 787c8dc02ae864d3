"""Small projects on disk for the tests of `apply`."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CASES = [
    {"id": "q1-en", "question": "Who approves?", "gold": ["A second person approves."], "slices": {"language": "en"}},
    {"id": "q2-en", "question": "Who asks?", "gold": ["A service may ask."], "slices": {"language": "en"}},
]
PAGE = "# Approvals\n\nA second person approves.\n\n# Requests\n\nA service may ask.\n"
PROJECT: dict[str, Any] = {
    "schema": "sekisho.project/v1",
    "system": {
        "docs": {"purpose": "Answer questions.", "risk_class": "limited", "owner": "docs", "role": "deployer"},
    },
    "prompt": {
        "ask": {
            "messages": [{"role": "user", "template": "{{ question }}"}],
            "variables": {"question": {"type": "string"}},
        }
    },
    "model": {
        "plain": {
            "name": "builtin/extractive",
            "provider": "builtin",
            "family": "extractive",
            "licence": "Apache-2.0",
        }
    },
    "corpus": {"pages": {"licence": "Apache-2.0", "folders": [{"path": "pages", "language": "en"}]}},
    "dataset": {"questions": {"path": "questions.jsonl", "licence": "Apache-2.0"}},
    "suite": {
        "finding": {
            "dataset": "questions",
            "target": "retrieval",
            "scorers": [{"name": "recall", "params": {"k": 5}}],
            "slices": ["language"],
        }
    },
}
WITH_AGENT: dict[str, Any] = {
    **PROJECT,
    "index": {"pages": {"corpus": "pages", "retriever": {"mode": "hybrid"}, "chunker": {"max_tokens": 64}}},
    "agent": {
        "helper": {
            "system": "docs",
            "prompt": "ask",
            "index": "pages",
            "model": "plain",
            "limits": {"max_steps": 1, "max_tokens": 1000, "timeout_ms": 1000},
            "context_passages": 3,
        }
    },
}


def changed(project: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The project with one place replaced, or with `value` None taken away; ``a.b.0.c`` leads to it."""
    whole: dict[str, Any] = copy.deepcopy(dict(project))
    *way, last = path.split(".")
    place: Any = whole
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    elif isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return whole


def write(folder: Path, project: Mapping[str, Any] = PROJECT) -> Path:
    """The project's folder with its pages and questions; gives the path of its sekisho.yaml."""
    (folder / "pages").mkdir(exist_ok=True)
    (folder / "pages" / "approvals.md").write_text(PAGE, "utf-8")
    (folder / "questions.jsonl").write_text("".join(json.dumps(case) + "\n" for case in CASES), "utf-8")
    file = folder / "sekisho.yaml"
    file.write_text(yaml.safe_dump(dict(project), allow_unicode=True, sort_keys=False), "utf-8")
    return file
