"""Patterns of personal data and secrets in text. They count; they never give the value.

Each says what it misses. None of them finds names, addresses of homes or what only context makes personal: a corpus
without findings is not thereby free of personal data.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Detector:
    """`kind` is ``personal`` or ``secret``; `check` refuses what only looks like it."""

    name: str
    kind: str
    pattern: re.Pattern[str]
    limits: str
    check: Callable[[str], bool] = bool

    def count(self, text: str) -> int:
        return sum(self.check(match[0]) for match in self.pattern.finditer(text))


def _digits(text: str) -> list[int]:
    return [int(character) for character in text if character.isdecimal()]


def luhn(text: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B, over 13 to 19 digits that are not all the same."""
    digits = _digits(text)[::-1]
    doubled = [digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits)]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and sum(doubled) % 10 == 0


def iban(text: str) -> bool:
    """The check of ISO 7064, MOD 97-10, as ISO 13616 uses it."""
    plain = re.sub(r"\s", "", text).upper()
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def my_number(text: str) -> bool:
    """The check digit of a Japanese Individual Number, by the order of the Ministry (平成26年総務省令第85号)."""
    digits = _digits(text)
    if len(digits) != 12 or len(set(digits)) == 1:
        return False
    total = sum(digit * (n + 1 if n <= 6 else n - 5) for n, digit in enumerate(reversed(digits[:11]), 1))
    rest = total % 11
    return digits[11] == (0 if rest <= 1 else 11 - rest)


def _telephone(text: str) -> bool:
    return 9 <= len(_digits(text)) <= 15


DETECTORS: Final = (
    Detector(
        "e-mail", "personal",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}\b"),
        "addresses written out (name at example) or with quotes are missed; functional addresses count too",
    ),
    Detector(
        "telephone", "personal",
        re.compile(r"(?<![\w+])(?:\+\d{1,3}[ -]?(?:\(?\d{1,4}\)?[ -]?){2,5}|0\d{1,4}-\d{1,4}-\d{3,4})(?!\w)"),
        "numbers without + and without dashes are missed; fax and service numbers count too",
        _telephone,
    ),
    Detector(
        "payment card", "personal", re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"),
        "one in ten random numbers of that length passes its check digit", luhn,
    ),
    Detector(
        "IBAN", "personal", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
        "numbers in small letters are missed", iban,
    ),
    Detector(
        "Japanese Individual Number", "personal", re.compile(r"(?<![\d-])\d{4}[ -]?\d{4}[ -]?\d{4}(?![\d-])"),
        "one in eleven random numbers of twelve digits passes its check digit", my_number,
    ),
    Detector(
        "US Social Security number", "personal",
        re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])"),
        "numbers without dashes are missed",
    ),
    Detector(
        "private key", "secret", re.compile(r"-----BEGIN (?:[A-Z]{2,10} ){0,2}PRIVATE KEY-----"),
        "keys without their PEM head are missed",
    ),
    Detector(
        "AWS access key", "secret", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "the secret half is not looked for"
    ),
    Detector(
        "GitHub token", "secret", re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{82})\b"),
        "tokens of before 2021 are missed",
    ),
    Detector("Slack token", "secret", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b"), "webhook addresses are missed"),
    Detector(
        "JSON Web Token", "secret", re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
        "it may have expired long ago",
    ),
    Detector(
        "password in a setting", "secret",
        re.compile(r"(?i)\b(?:password|passwd|secret|api[_-]?key|access[_-]?token)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?![<{$*])[^\s\"',;]{8,}"),
        "values under eight characters, and names other than password, secret, api key and access token, are missed",
    ),
)  # fmt: skip
