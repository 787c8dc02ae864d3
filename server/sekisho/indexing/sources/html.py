"""HTML is kept as it is; its title and language are looked up, and depth without end is refused."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

from sekisho.indexing.sources.types import Limits, Part, Refusal

# Elements that need no end tag would count as ever deeper: they are left out of the count.
_UNCOUNTED: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup",
    "rb", "rt", "rp", "html", "head", "body",
})  # fmt: skip


class _Look(HTMLParser):
    def __init__(self, nesting: int) -> None:
        super().__init__()
        self.nesting = nesting
        self.depth = 0
        self.language: str | None = None
        self.titles: list[str] = []
        self.in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self.language = dict(attrs).get("lang")
        self.in_title = tag == "title" and not self.titles
        self.depth += tag not in _UNCOUNTED
        if self.depth > self.nesting:
            raise Refusal(f"is nested over {self.nesting} elements deep")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """It opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        self.in_title = False
        self.depth = max(0, self.depth - (tag not in _UNCOUNTED))

    def handle_data(self, data: str) -> None:
        if self.in_title:
            self.titles.append(data)


def look_at_html(data: bytes, limits: Limits) -> Part:
    """Raises `Refusal`."""
    look = _Look(limits.nesting)
    look.feed(data.decode("utf-8"))
    title = " ".join("".join(look.titles).split())
    return Part(media_type="text/html", title=title or None, language=look.language)
