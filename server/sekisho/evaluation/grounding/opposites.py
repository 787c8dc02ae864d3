"""Words that turn a statement round when one stands for the other: antonyms, and degrees such as "all" and "some"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sekisho.evaluation.words import stem

_PAIRS: Final = """
increase/decrease/reduce rise/fall/drop/decline grow/shrink more/less/fewer most/least higher/lower high/low
larger/smaller large/small big/small longer/shorter long/short faster/slower fast/slow earlier/later early/late
before/after above/below over/under inside/outside internal/external upper/lower first/last/second next/previous
begin/end begin/finish start/stop start/end open/close opened/closed allow/forbid/prohibit/deny/refuse allow/prevent
accept/reject/refuse grant/deny/refuse permit/forbid include/exclude add/remove insert/delete gain/lose win/lose
won/lost buy/sell bought/sold lend/borrow give/take send/receive push/pull rise/sink raise/lower ascend/descend
enable/disable show/hide connect/disconnect attach/detach lock/unlock encrypt/decrypt import/export upload/download
succeed/fail pass/fail success/failure true/false right/wrong correct/incorrect valid/invalid legal/illegal
possible/impossible safe/dangerous safe/unsafe positive/negative good/bad better/worse best/worst strong/weak
stronger/weaker rich/poor hot/cold warm/cool wet/dry hard/soft hard/easy difficult/easy simple/complex light/dark
light/heavy young/old new/old male/female man/woman men/women mother/father son/daughter brother/sister husband/wife
boy/girl king/queen he/she him/her all/some/none/few many/few always/never/sometimes/rarely often/rarely/seldom
must/may must/can only/also required/optional mandatory/optional mandatory/voluntary necessary/unnecessary every/no
everyone/nobody everything/nothing both/neither with/without present/absent full/empty maximum/minimum least/most
public/private secret/public local/remote north/south east/west northern/southern eastern/western left/right up/down
top/bottom front/back morning/evening/afternoon day/night today/tomorrow/yesterday guilty/innocent alive/dead
born/died love/hate like/dislike agree/disagree support/oppose support/reject attack/defend praise/criticise
praise/criticize approve/reject approve/disapprove temporary/permanent mutable/immutable fixed/variable static/dynamic
active/inactive automatic/manual direct/indirect visible/invisible known/unknown same/different equal/different
similar/different together/apart together/separately once/twice daily/weekly/monthly/yearly hourly/daily
annual/monthly single/double/triple half/double original/copy
"""


def _opposites(read: Callable[[str], str]) -> dict[str, tuple[str, ...]]:
    """The first of each group against each of the others."""
    found: dict[str, set[str]] = {}
    for group in _PAIRS.split():
        first, *others = (read(word) for word in group.split("/"))
        for other in others:
            found.setdefault(first, set()).add(other)
            found.setdefault(other, set()).add(first)
    return {key: tuple(sorted(values - {key})) for key, values in found.items()}


OPPOSITES: Final = {key: frozenset(values) for key, values in _opposites(stem).items()}
"""Stem to the stems that contradict it."""
WORDS: Final = _opposites(str)
"""The same in whole words."""
