"""Text into sentences and terms, the same way for English and Japanese: words, and character bigrams for CJK."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from sekisho.inference.text import sentence_spans

_CJK: Final = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3005"
_TOKEN: Final = re.compile(rf"[{_CJK}ー]+|\d+(?:[.,:]\d+)*|[^\W\d_{_CJK}]+(?:['’][^\W\d_{_CJK}]+)?")
_IS_CJK: Final = re.compile(rf"[{_CJK}]")
_BULLET: Final = re.compile(r"^\s*(?:[-*•>]+|#{1,6}|\d{1,2}[.)])\s+")
_STOP_WORDS: Final = (
    "a an the of to in on at by for with from as and or but so if then than that this these those it its is are was"
    " were be been being am do does did has have had having he she they them his her their we us our you your i my me"
    " who whom which what when where why how there here also into over under about after before while during not no"
    " nor can could will would shall should may might must such some any each both all more most other own same too"
    " very just only out up down off again further once between through because until against s t d ll re ve"
    " according based provided passage passages context given mentioned states stated say says said"
)
STOP: Final = frozenset(_STOP_WORDS.split())


def sentences(text: str) -> list[str]:
    """Sentences, list items and lines, without their bullets and heading marks."""
    found = (_BULLET.sub("", text[start:end]).strip() for start, end in sentence_spans(text))
    return [sentence for sentence in found if sentence]


def terms(text: str) -> list[str]:
    """Content terms in order: stemmed words without stop words, numbers, bigrams of CJK characters."""
    result: list[str] = []
    for token in _TOKEN.findall(unicodedata.normalize("NFKC", text)):
        if _IS_CJK.match(token):
            result += [token[i : i + 2] for i in range(len(token) - 1)] or [token]
        elif token[0].isdigit():
            result.append(number(token))
        elif (word := token.lower().replace("’", "'").split("'")[0]) not in STOP and len(word) > 1:
            result.append(stem(word))
    return result


def words(text: str) -> list[str]:
    """Every word and CJK character run, lower-cased, nothing left out."""
    return [token.lower() for token in _TOKEN.findall(unicodedata.normalize("NFKC", text))]


def number(token: str) -> str:
    """One spelling per number: no thousands separators, no trailing zeros after the point."""
    plain = re.sub(r",(?=\d{3})", "", token)
    return plain.rstrip("0").rstrip(".") if re.fullmatch(r"\d+\.\d+", plain) else plain


def stem(word: str) -> str:
    """A light suffix stripper: enough that plural and tense do not look like news."""
    for suffix, least in (
        ("ations", 4),
        ("ation", 4),
        ("ings", 4),
        ("ing", 4),
        ("ies", 3),
        ("ed", 4),
        ("ly", 4),
        ("es", 4),
        ("s", 3),
    ):
        if word.endswith(suffix) and len(word) - len(suffix) >= least and not word.endswith("ss"):
            word = word[: -len(suffix)]
            break
    return word[:-1] if len(word) > 4 and word[-1] in "ey" else word


def is_number(term: str) -> bool:
    return term[:1].isdigit()
