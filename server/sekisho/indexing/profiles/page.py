"""A profile as one page: inline SVG, one style, no script, no address. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from sekisho.indexing.profiles.types import Alike, Dated, Finding, Profile, Share, named
from sekisho.kernel.clock import from_epoch_ms

_WIDTH: Final = 400
"""Of a plot's own units: about a telephone's width, where its letters are then as large as they say."""
_ROW: Final = 22
_LABEL: Final = 160
_CHARACTERS: Final = 22
"""As many as stand in a label's width."""
_GROUP: Final = 20
_SHOWN: Final = 50
_STYLE: Final = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--bar:#2f6f8f;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;--bar:#6cb6d9;--paper:#0d1117}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
body{max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td{overflow-wrap:anywhere;min-width:5rem}td.n{min-width:0}
.wide{overflow-x:auto}
svg{width:100%;height:auto;max-width:34rem}svg rect{fill:var(--bar)}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}
.soft{color:var(--soft)}
"""


def page_of(profile: Profile) -> str:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(_sections(profile))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Profile of {escape(profile.title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>Profile of {escape(profile.title)}</h1>\n{body}\n</body></html>\n"
    )


def _sections(profile: Profile) -> Iterable[str]:
    yield _summary(profile)
    yield "<h2>Length of documents</h2>" + _lengths(profile)
    for title, shares in (
        ("Languages, as declared", [named(one) for one in profile.languages]),
        ("Scripts, as written", profile.scripts),
        ("Media types", profile.media_types),
    ):
        yield f"<h2>{title}</h2>" + _bars(title, [(one.name, one.documents) for one in shares])
    yield "<h2>Licences</h2>" + _share_table("licence", profile.licences)
    yield "<h2>Personal data</h2>" + _share_table("declaration", profile.personal_data)
    yield "<h2>Personal data and secrets found by patterns</h2>" + _findings(profile.findings)
    yield f"<h2>Duplicates ({profile.duplicate_documents} to spare)</h2>" + _alike(profile.duplicates)
    yield f"<h2>Near-duplicates ({profile.near_duplicate_documents} to spare)</h2>" + _alike(profile.near_duplicates)
    yield "<h2>Age and retention</h2>" + _ages(profile)
    if profile.empty:
        yield "<h2>Documents without words</h2>" + _list(profile.empty)
    if profile.refused:
        rows = [(escape(one.path), escape(one.reason)) for one in profile.refused]
        yield f"<h2>Refused ({len(rows)})</h2>" + _table(("file", "reason"), rows)


def _summary(profile: Profile) -> str:
    return (
        f"<p>{profile.documents:,} documents, {profile.bytes:,} bytes, {profile.characters:,} characters; "
        f"{len(profile.refused):,} refused.</p>"
    )


def _lengths(profile: Profile) -> str:
    found = profile.lengths
    told = (
        f"shortest {found.shortest:,}, quartiles {found.lower_quartile:,} · {found.median:,} · "
        f"{found.upper_quartile:,}, longest {found.longest:,} characters"
    )
    bars = [(f"{one.least:,} to {one.below - 1:,}", one.documents) for one in found.histogram]
    return f'<p class="soft">{told}</p>' + _bars("Documents by length in characters", bars)


def _bars(title: str, values: Sequence[tuple[str, int]]) -> str:
    """A bar for each value, with its number beside it."""
    most = max((value for _, value in values), default=0)
    rows = []
    for place, (name, value) in enumerate(values[:_SHOWN]):
        top = place * _ROW
        width = round((_WIDTH - _LABEL - 70) * value / most) if most else 0
        label = name if len(name) <= _CHARACTERS else f"{name[: _CHARACTERS - 1]}…"
        rows.append(
            f'<text x="{_LABEL - 8}" y="{top + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{_LABEL}" y="{top + 4}" width="{max(width, 1)}" height="{_ROW - 8}"/>'
            f'<text x="{_LABEL + width + 6}" y="{top + 15}">{value:,}</text>'
        )
    height = max(len(rows) * _ROW, _ROW)
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(rows)}</svg>"
    )


def _share_table(name: str, shares: Sequence[Share]) -> str:
    rows = [(escape(one.name), f"{one.documents:,}", f"{one.bytes:,}") for one in shares[:_SHOWN]]
    return _table((name, "documents", "bytes"), rows, numbers={1, 2})


def _findings(findings: Sequence[Finding]) -> str:
    note = (
        '<p class="soft">Patterns find no names and no home addresses: no finding does not mean no personal data.</p>'
    )
    if not findings:
        return f"{note}<p>Nothing was found.</p>"
    rows = [
        (
            escape(one.kind),
            escape(one.detector),
            f"{one.matches:,}",
            f"{one.documents:,}",
            escape(", ".join(one.first[:5])),
            escape(one.limits),
        )
        for one in findings
    ]
    return note + _table(("kind", "what", "matches", "documents", "first", "limits"), rows, numbers={2, 3})


def _alike(groups: Sequence[Alike]) -> str:
    if not groups:
        return "<p>None.</p>"
    rows = [(f"{one.similarity_bp / 100:.0f} %", escape(_first(one.documents))) for one in groups[:_SHOWN]]
    more = f"<p>And {len(groups) - _SHOWN} groups more.</p>" if len(groups) > _SHOWN else ""
    return _table(("alike", "documents"), rows, numbers={0}) + more


def _first(names: Sequence[str]) -> str:
    more = f", and {len(names) - _GROUP} more" if len(names) > _GROUP else ""
    return ", ".join(names[:_GROUP]) + more


def _ages(profile: Profile) -> str:
    rows = [
        (name, *_dated(one, otherwise))
        for name, one, otherwise in (
            ("oldest", profile.oldest, "unknown"),
            ("newest", profile.newest, "unknown"),
            ("first due", profile.first_due, "none"),
        )
    ]
    undated = f'<p class="soft">{profile.undated:,} have no time; {profile.with_retention:,} have a retention.</p>'
    return undated + _table(("", "time", "document"), rows)


def _dated(one: Dated | None, otherwise: str) -> tuple[str, str]:
    return (otherwise, "") if one is None else (f"{from_epoch_ms(one.time):%Y-%m-%d}", escape(one.document))


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """Cells are HTML already."""
    right = set(numbers)

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f'<{tag} class="n">{value}</{tag}>' if place in right else f"<{tag}>{value}</{tag}>"
            for place, value in enumerate(values)
        )

    head = f"<tr>{cells('th', heads)}</tr>"
    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'
