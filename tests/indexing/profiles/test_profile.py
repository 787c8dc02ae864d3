"""The profile of a corpus: what is counted, and what is found to be alike."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.indexing.profiles.detectors import DETECTORS, iban, luhn
from sekisho.indexing.profiles.likeness import NEARLY_BP, nearly_same, normal, resemblance_bp, sketch_of
from sekisho.indexing.profiles.page import page_of
from sekisho.indexing.profiles.profile import Profiler, lengths_of, script_of
from sekisho.indexing.profiles.reading import profile_of_folder
from sekisho.indexing.profiles.types import Profile, Profiled
from sekisho.indexing.sources.types import Limits
from sekisho.kernel.errors import Invalid

WORDS = [f"word{number}" for number in range(400)]
CASES = [
    ("e-mail", "write to ada.l@example.org, please", 1),
    ("e-mail", "not@an address, nor @ada", 0),
    ("telephone", "+81 3-1234-5678 or 03-1234-5678", 2),
    ("telephone", "10-20-30 and 2026-01-02", 0),
    ("payment card", "4111 1111 1111 1111", 1),
    ("payment card", "4111 1111 1111 1112 and 0000000000000000", 0),
    ("IBAN", "DE89 3704 0044 0532 0130 00", 1),
    ("IBAN", "DE89 3704 0044 0532 0130 01", 0),
    ("Japanese Individual Number", "番号は123456789018です", 1),
    ("Japanese Individual Number", "123456789012", 0),
    ("US Social Security number", "078-05-1120", 1),
    ("US Social Security number", "000-05-1120", 0),
    ("private key", "-----BEGIN RSA PRIVATE " + "KEY-----", 1),
    ("private key", "-----BEGIN PUBLIC " + "KEY-----", 0),
    ("AWS access key", "AKIA" + "ABCDEFGHIJKLMNOP", 1),
    ("GitHub token", "ghp_" + "a" * 36, 1),
    ("Slack token", "xoxb-" + "1234567890-abc", 1),
    ("JSON Web Token", "eyJ" + "a" * 12 + ".eyJ" + "b" * 12 + "." + "c" * 12, 1),
    ("password in a setting", 'password = "correct-horse"', 1),
    ("password in a setting", "password: ${PASSWORD} and password: <yours>", 0),
]


@pytest.mark.parametrize(("name", "text", "count"), CASES)
def test_a_detector_counts_what_it_says(name: str, text: str, count: int) -> None:
    """And refuses what only looks like it."""
    (detector,) = (one for one in DETECTORS if one.name == name)
    assert detector.count(text) == count


def test_every_detector_has_a_case_and_says_what_it_misses() -> None:
    """A pattern without limits is a promise that nobody can keep."""
    assert {one.name for one in DETECTORS} == {name for name, _, count in CASES if count}
    assert all(one.limits for one in DETECTORS)


@pytest.mark.parametrize(("check", "number"), [(luhn, "4111111111111111"), (iban, "DE89370400440532013000")])
@given(data=st.data())
def test_one_changed_digit_fails_a_check(check: Callable[[str], bool], number: str, data: st.DataObject) -> None:
    """Each check digit exists to tell exactly that."""
    places = [place for place, character in enumerate(number) if character.isdecimal()]
    place = data.draw(st.sampled_from(places))
    digit = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert check(number)
    assert not check(number[:place] + digit + number[place + 1 :])


def text(seed: int, length: int = 300) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=length))


def jaccard_bp(one: str, other: str) -> int:
    """By the whole sets of shingles."""
    sets = [
        {tuple(words[start : start + 5]) for start in range(len(words) - 4)}
        for words in (one.split(" "), other.split(" "))
    ]
    return 10_000 * len(sets[0] & sets[1]) // len(sets[0] | sets[1])


@pytest.mark.parametrize("changed", [0, 2, 5, 10, 30, 100])
def test_a_sketch_estimates_the_resemblance(changed: int) -> None:
    """Within four standard errors of the Jaccard index over all shingles."""
    words = text(1, 3000).split(" ")
    for place in random.Random(2).sample(range(len(words)), changed):
        words[place] = "other"
    one, other = text(1, 3000), " ".join(words)
    assert abs(resemblance_bp(sketch_of(one), sketch_of(other)) - jaccard_bp(one, other)) < 1250


def test_near_duplicates_are_found_among_many() -> None:
    """A text with a changed sentence is found among five hundred others that share a footer; nothing else is."""
    footer = " all rights are reserved by the barrier station on the old road"
    texts = {f"{number}.md": text(number) + footer for number in range(500)}
    texts["copy.md"] = texts["7.md"].replace(" ", " a changed beginning ", 1)
    groups = nearly_same({path: sketch_of(normal(one)) for path, one in texts.items()})
    assert [group.documents for group in groups] == [("7.md", "copy.md")]
    assert groups[0].similarity_bp >= NEARLY_BP


def test_japanese_is_compared_by_characters() -> None:
    """There are no spaces to part words by."""
    one = "承認は十四日で失効します。サービスは承認できません。免除には理由と期限が要ります。" * 3
    near = one.replace("十四日", "十五日", 1)
    assert resemblance_bp(sketch_of(one), sketch_of(near)) > 5_000
    assert resemblance_bp(sketch_of(one), sketch_of("関所では旅人が手形を見せる。" * 5)) == 0


@pytest.mark.parametrize(
    ("written", "script"),
    [("関所と手形の話", "Japanese"), ("关卡通行文书", "Han"), ("한국어", "Hangul"),
     ("Über", "Latin"), ("123", "none"), ("Да", "Cyrillic")],
)  # fmt: skip
def test_a_script_is_told_by_its_letters(written: str, script: str) -> None:
    """Kana tell Japanese from Chinese."""
    assert script_of(written) == script


def test_lengths_are_order_statistics() -> None:
    """By the nearest rank; the histogram has every document once."""
    found = lengths_of(sorted([0, 1, 3, 5, 8, 13, 21, 34]))
    assert (found.shortest, found.lower_quartile, found.median, found.upper_quartile, found.longest) == (
        0,
        1,
        5,
        13,
        34,
    )
    assert [(one.least, one.below, one.documents) for one in found.histogram] == [
        (0, 1, 1), (1, 2, 1), (2, 4, 1), (4, 8, 1), (8, 16, 2), (16, 32, 1), (32, 64, 1),
    ]  # fmt: skip
    assert lengths_of([]).longest == 0


def document(path: str, content: str, **more: object) -> Profiled:
    values = {"bytes": len(content.encode()), "media_type": "text/plain", "language": "en", "licence": "MIT", **more}
    return Profiled(path, content, **values)  # type: ignore[arg-type]


def small() -> Profile:
    profiler = Profiler("<b>corpus</b>")
    profiler.add(document("a.md", "Write to ada@example.org.", time=1_700_000_000_000, retention_days=1))
    profiler.add(document("b.md", "write  to Ada@example.org.", licence="CC0-1.0", personal_data=True))
    profiler.add(document("<i>.md", " "))
    return profiler.profile()


def test_a_profile_counts_what_there_is() -> None:
    """Equal but for case and spaces is a duplicate; a document without words is named."""
    found = small()
    assert found.documents == 3
    assert found.duplicates[0].documents == ("a.md", "b.md")
    assert found.duplicate_documents == 1
    assert found.near_duplicates == ()
    assert found.empty == ("<i>.md",)
    assert [(one.name, one.documents) for one in found.licences] == [("MIT", 2), ("CC0-1.0", 1)]
    assert [(one.detector, one.matches, one.documents) for one in found.findings] == [("e-mail", 2, 2)]
    assert found.first_due is not None
    assert found.first_due.time == 1_700_086_400_000
    assert (found.undated, found.with_retention) == (2, 1)


def test_a_profile_holds_nothing_of_what_a_text_says() -> None:
    """It may be kept where the texts may not."""
    assert b"ada" not in msgspec.json.encode(small()).lower()


def test_the_page_needs_nothing_else_and_escapes_everything() -> None:
    """No script, no address, one style that its policy names, and names as text."""
    page = page_of(small())
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=", page)
    assert "<b>corpus" not in page
    assert "<i>.md" not in page
    assert "&lt;i&gt;.md" in page
    assert page.count("<svg") == 4
    assert "default-src 'none'" in page


def test_the_page_fits_a_telephone_and_counts_what_it_leaves_out() -> None:
    """Tables roll by themselves, a plot is as wide as the screen, and nothing is cut without a word."""
    profiler = Profiler("many")
    for number in range(30):
        profiler.add(document(f"{number:02}.md", "The same words.", language="und"))
    page = page_of(profiler.profile())
    assert page.count('<div class="wide"><table>') == page.count("<table>")
    assert 'viewBox="0 0 400 ' in page
    assert "19.md, and 10 more" in page
    assert ">und<" not in page
    assert ">not declared<" in page
    assert "<td>first due</td><td>none</td>" in page


def test_a_folder_is_profiled_without_a_server(tmp_path: Path) -> None:
    """Its bad files are named in the profile; a folder with nothing else is refused."""
    (tmp_path / "bad.pdf").write_bytes(b"no")
    with pytest.raises(Invalid, match=r"bad\.pdf"):
        profile_of_folder(tmp_path, Limits())
    (tmp_path / "ja").mkdir()
    (tmp_path / "ja" / "a.md").write_text("関所の話")
    found = profile_of_folder(tmp_path, Limits())
    assert [one.name for one in found.languages] == ["ja"]
    assert [one.path for one in found.refused] == ["bad.pdf"]
