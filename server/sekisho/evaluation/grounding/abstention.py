"""Whether an answer declines to answer."""

from __future__ import annotations

import re
from typing import Final

from sekisho.evaluation.words import sentences

_ABSTAINED: Final = re.compile(
    r"\b(?:not found|(?:hold|holds|contain|contains|give|gives|find|finds|found|is|there is) no answer"
    r"|no answer (?:is|was|can|could)|cannot (?:be )?(?:answer|determin|find)"
    r"|can(?:no|')t (?:answer|find|determine)|unable to (?:answer|find|determine)"
    r"|do(?:es)? ?n[o']t (?:know|contain|mention|provide|say|specify|include)"
    r"|not (?:mentioned|specified|provided|stated) in)"
    r"|見つかりません|見つからな|わかりません|分かりません|記載(?:が|は)(?:ありません|ない)|答えられません|不明です",
    re.IGNORECASE,
)


def abstained(answer: str) -> bool:
    """Whether the answer declines: it is short, and says that it does not know or did not find."""
    return len(sentences(answer)) <= 2 and len(answer) <= 300 and _ABSTAINED.search(answer) is not None
