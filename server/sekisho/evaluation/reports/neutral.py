"""What models and datasets wrote, made inert: one function per medium. Pure.

A report shows text that somebody else wrote, and is read where text can act: a pull request mentions people and loads
pictures, a build log runs ``::workflow-commands::``, a terminal obeys escape sequences, a browser runs scripts. Every
string of a report goes through the function of its medium, also those that look like ours: names of cases, groups and
hosts are somebody's input too. Nothing is dropped: what is made inert can still be read.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

_GAP: Final = "\u200b"
"""A zero-width space: it shows as nothing and takes the meaning from what it stands in."""

# C0 without tab and newline, DEL, C1, marks and overrides of direction, line separators, invisible operators,
# annotation marks, the byte-order mark, tags (which hide ASCII from people and not from models), surrogates,
# noncharacters.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2061-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef"
    "\ufffe\uffff\U000e0000-\U000e007f\ud800-\udfff]"
    "|[" + "".join(chr(plane << 16 | low) for plane in range(1, 17) for low in (0xFFFE, 0xFFFF)) + "]"
)
# GitHub reads a command where a trimmed line begins with "::", and "##[" anywhere; Azure "##vso["; TeamCity its own.
_COMMAND: Final = re.compile(r"^([^\S\n]*:)(?=:)|(#)(?=#(?:\[|vso\[|teamcity\[))", re.MULTILINE)
_SLASH_COMMAND: Final = re.compile(r"^([^\S\n]*)(?=/[A-Za-z])", re.MULTILINE)
_BREAKABLE: Final = re.compile(
    # Mentions of people and groups, and addresses; recall@5 is none of them.
    r"((?!(?<=\w)@\d+(?![\w.-]))@"
    r"|:(?=//)"  # autolinks
    r"|\bwww(?=\.)"
    r"|\b(?:mailto|xmpp)(?=:)"
    r"|[#!~$%&](?=[\w\"{])"  # issues, merge requests, labels, milestones, snippets
    r"|\bGH(?=-\d)"
    r"|<(?=[A-Za-z/!?@#])"  # HTML, Slack's <!everyone>
    r"|\](?=[(\[:])"  # links and images
    r")",
    re.IGNORECASE,
)
_ENTITY: Final = re.compile(r"[\\`*_{}\[\]<>#!|~&$@^]|^(?:[-=:]|\+(?=\s|$)|\d{1,9}[.)](?=\s|$))")
_LONG_TICKS: Final = re.compile(r"`{33,}")
_JSON: Final = re.compile(_HIDDEN.pattern + r"|[<>&]|#(?=\[|vso\[|teamcity\[)")


def visible(text: str) -> str:
    """Characters that act unseen, shown by name: ``⟨U+202E⟩``. Lines end in a newline, whatever they ended in."""
    return _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text.replace("\r\n", "\n").replace("\r", "\n"))


def terminal(text: str) -> str:
    """For a terminal or a build log: no escape sequence, no workflow command. Not escaped for any markup."""
    return _COMMAND.sub(lambda found: f"{found[0]}{_GAP}", visible(text))


def xml(text: str) -> str:
    """For a text or attribute of XML 1.0, before the serialiser escapes it; test reporters print it into logs too."""
    return terminal(text)


def html(text: str) -> str:
    """For an element's content or a quoted attribute of HTML, escaped."""
    return escape(visible(text))


def markdown(text: str) -> str:
    """For a place in a line of Markdown: no markup, link, picture, mention or HTML; white space becomes one space."""
    broken = _broken(" ".join(visible(text).split()))
    return _ENTITY.sub(lambda found: "".join(f"&#{ord(c)};" for c in found[0]), broken)


def markdown_block(text: str) -> str:
    """A fenced block of Markdown that the text cannot end, inert also where fences are not understood."""
    body = _LONG_TICKS.sub(lambda found: f"{'`' * 32}…", _broken(visible(text)))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", body)), default=0))
    return f"{fence}text\n{body}\n{fence}"


def json_text(serialised: str) -> str:
    """A JSON document whose strings mean the same and hold no active character in the raw: escaped, not changed."""
    return _JSON.sub(lambda found: _escaped(ord(found[0])), serialised)


def clipped(text: str, length: int) -> str:
    """The text, or its first `length` characters and an ellipsis."""
    return text if len(text) <= length else f"{text[:length]}…"


def _broken(text: str) -> str:
    text = _BREAKABLE.sub(lambda found: f"{found[0]}{_GAP}", terminal(text))
    return _SLASH_COMMAND.sub(lambda found: f"{found[0]}{_GAP}", text)


def _escaped(point: int) -> str:
    if point < 0x10000:
        return f"\\u{point:04x}"
    high, low = divmod(point - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
