"""What the documentation says of commands, settings, links and rules is what there is."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sekisho.cli import main
from sekisho.kernel.settings import PREFIX, load_settings
from tests.docs import reference, scorers

ROOT = reference.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "evals/demo/README.md"])
REGENERATE = "run `python -m tests.docs.reference`"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
# Variables of the compose file, of the tests and of the supervisor; they are no settings.
OTHER_VARIABLES = re.compile(r"SEKISHO_(TEST_\w+|REQUIRE_SERVICES|POSTGRES_PASSWORD|\w+_KEY_FILE)")
ENDS = frozenset({"&&", "||", "|", ";", ">", "<", "&"})


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(params=PAGES, ids=named)
def page(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def prose(text: str) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", text)


def code(text: str) -> Iterator[str]:
    """Each line of the page's blocks, continued lines joined, and each code span of its prose."""
    for block in FENCE.finditer(text):
        yield from block[2].replace("\\\n", " ").splitlines()
    yield from SPAN.findall(prose(text))


def calls(text: str) -> Iterator[list[str]]:
    """The words of each call of `sekisho` in the page's code, up to a pipe or the next command."""
    for line in code(text):
        line = line.strip().removeprefix("$ ")
        for part in re.split(r"&&|\|\||[|;]", line):
            if re.match(r"sekisho( |$)", part.strip()):
                yield words_of(part.strip())


def words_of(call: str) -> list[str]:
    words: list[str] = []
    for word in shlex.split(call.replace("…", "x"), comments=True)[1:]:
        if word[:1] in {">", "<"} or word in ENDS:
            break
        words.append(word)
    return words


def fault_of(words: list[str]) -> str | None:
    """Why these words call no command with the options that stand there; None where they do."""
    command: click.Command = main
    options = {name for parameter in main.params for name in parameter.opts} | {"--help", "-h"}
    for word in words:
        if word.startswith("-") and word != "-":
            name = word.partition("=")[0]
            if name not in options:
                return f"{command.name} has no option {name}"
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                # A value of one of the root's own options, or no command at all.
                if command is main and words[words.index(word) - 1] == "--project":
                    continue
                return f"there is no command {word}"
            command = found
            options |= {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return None


def slug(heading: str) -> str:
    """The anchor that a heading gets where Markdown is shown."""
    plain = re.sub(r"[`*_]", "", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def headings(page: Path) -> set[str]:
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)}


def test_every_call_of_sekisho_would_be_understood(page: Path) -> None:
    """Commands and options named in code exist."""
    text = page.read_text("utf-8")
    faults = {" ".join(words): fault for words in calls(text) if (fault := fault_of(words))}
    assert not faults


def test_every_variable_is_a_setting_or_an_option(page: Path) -> None:
    """A `SEKISHO_` name in a page is a setting's, or is read by an option of the CLI."""
    settings = {f"{PREFIX}{sourced.name.upper()}" for sourced in load_settings({}, ROOT / "docs")[1]}
    commands = [main, *(command for _, command in reference.commands())]
    read = {str(option.envvar) for command in commands for option in command.params if option.envvar}
    found = set(re.findall(r"SEKISHO_[A-Z][A-Z_]+[A-Z]", page.read_text("utf-8")))
    assert {name for name in found - settings - read if not OTHER_VARIABLES.fullmatch(name)} == set()


def test_relative_links_lead_somewhere(page: Path) -> None:
    """Files and headings that a page links to are there."""
    broken = []
    for target in LINK.findall(prose(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in headings(file)):
            broken.append(target)
    assert not broken


def test_every_make_target_is_there(page: Path) -> None:
    """`make` targets named in code exist."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    lines = [line.strip().removeprefix("$ ") for line in code(page.read_text("utf-8"))]
    assert {line.split()[1] for line in lines if re.match(r"make [a-z]", line)} <= targets


def test_the_generated_parts_are_up_to_date() -> None:
    """Settings, commands, rules and scorers are those of the code."""
    for name, block in reference.BLOCKS.items():
        text = (ROOT / name).read_text("utf-8")
        assert reference.with_block(text, block, reference.made()[block]) == text, REGENERATE
    assert (ROOT / "docs/rules.md").read_text("utf-8") == reference.rules(), REGENERATE
    assert scorers.PAGE.read_text("utf-8") == scorers.page(), REGENERATE


def test_every_page_can_be_reached() -> None:
    """From the README of the repository, link by link."""
    reached, waiting = set[Path](), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in LINK.findall(prose(page.read_text("utf-8"))):
            file = (page.parent / target.partition("#")[0]).resolve()
            if file.suffix == ".md" and file.is_file():
                waiting.append(file)
    assert set(PAGES) - reached == set()


def test_the_concepts_are_the_handbook() -> None:
    """Every page of the handbook is linked, in both languages."""
    linked = set(LINK.findall((ROOT / "docs/concepts.md").read_text("utf-8")))
    handbook = (ROOT / "evals/demo/handbook").rglob("*.md")
    assert {f"../{page.relative_to(ROOT).as_posix()}" for page in handbook} <= linked


def test_decisions_are_numbered_and_short() -> None:
    """From 0001 without a hole, at most sixty lines, each with its context, its choice and its cost."""
    pages = sorted((ROOT / "docs/decisions").glob("0*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text("utf-8")
        assert len(text.splitlines()) <= 60
        assert text.startswith(f"# {page.name[:4]}: ")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Choice", "What it costs"]
