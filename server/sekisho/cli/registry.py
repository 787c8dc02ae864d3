"""Commands for artifacts and versions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from sekisho.cli.attesting import line as attested_line
from sekisho.cli.session import Session, coloured, session
from sekisho.cli.telling import until_of
from sekisho.client.evidence import Evidence
from sekisho.kernel.digests import short
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.references import Kind


@click.command("register")
@click.argument("reference", metavar="KIND/NAME")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--author", default="", envvar="SEKISHO_AUTHOR", help="The human author, by name or e-mail.")
@click.option("--message", "-m", default="", help="Why.")
@click.option("--commit", default="", envvar="SEKISHO_COMMIT", help="The commit that the manifest stands in.")
@click.option("--ci-run", default="", envvar="SEKISHO_CI_RUN", help="URL of the CI run.")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="May be repeated.")
@session
def register(state: Session, /, reference: str, file: Path, labels: tuple[str, ...], **said: str) -> None:
    """Register the manifest in FILE (YAML or JSON) as a version of KIND/NAME. The same content is the same version."""
    registration = {**said, "labels": _pairs(labels, "--label")}
    made = state.client.registry.register(reference, _read_yaml(file), registration)
    version = made["version"]
    word = "registered" if made["new"] else "known already as"
    state.show(made, f"{word} {_name(version)}  {version['digest']}")


@click.command("list")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Only this kind.")
@click.option("--name", "name_contains", help="Only names that contain this.")
@click.option("--label", metavar="NAME[=VALUE]", help="Only what carries this label.")
@click.option("--archived/--in-use", default=None, help="Only what is archived, or only what is not.")
@session
def list_artifacts(
    state: Session, kind: str | None, name_contains: str | None, label: str | None, archived: bool | None
) -> None:
    """The project's artifacts."""
    found = state.client.registry.artifacts(kind=kind, name_contains=name_contains, label=label, archived=archived)
    rows = [
        (f"{item['kind']}/{item['name']}", f"v{item['latest']}", str(item["versions"]), _labels(item), _away(item))
        for item in found
    ]
    state.show(found, _table(("artifact", "latest", "versions", "labels", ""), rows))


@click.command("show")
@click.argument("reference")
@session
def show(state: Session, reference: str) -> None:
    """The version REFERENCE (kind/name[@selector]) with its manifest, and what people attested about it."""
    version = state.client.registry.version(reference)
    exactly = f"{version['project']}/{version['kind']}/{version['name']}@{version['digest']}"
    documents = Evidence(state.connection, state.project).documents(exactly)
    head = Text(f"{_name(version)}  {version['digest']}  {_time(version['created_at'])}  {_away(version)}".rstrip())
    told = [Text(f"{document['state']}: {attested_line(document)}") for document in documents]
    shown = {**version, "attested": documents} if documents else version
    state.show(shown, Group(head, *told, coloured(_yaml(version["manifest"]), "yaml")))


@click.command("versions")
@click.argument("reference")
@session
def versions(state: Session, reference: str) -> None:
    """Every version of REFERENCE (kind/name), oldest first."""
    found = state.client.registry.versions(reference)
    rows = [
        (f"v{item['number']}", short(item["digest"]), _time(item["created_at"]), item["author"], _away(item))
        for item in found
    ]
    state.show(found, _table(("version", "digest", "registered", "author", ""), rows))


@click.command("diff")
@click.argument("before")
@click.argument("after")
@click.option("--text", "as_text", is_flag=True, help="A unified diff instead of steps.")
@session
def diff(state: Session, before: str, after: str, as_text: bool) -> None:
    """What changed from the version BEFORE to the version AFTER of one artifact."""
    found = state.client.registry.diff(before, after, text=as_text)
    if as_text:
        state.show(found, coloured(found.get("text") or "", "diff"))
        return
    lines = [_step(step) for step in found.get("changes", ())]
    state.show(found, Text("\n".join(lines) or "no difference"))


@click.command("lineage")
@click.argument("reference")
@click.option("--down", is_flag=True, help="What is made from it, instead of what it is made from.")
@click.option("--depth", default=10, show_default=True, type=click.IntRange(1, 100), help="How many steps far.")
@session
def lineage(state: Session, reference: str, down: bool, depth: int) -> None:
    """What the version REFERENCE is made from, with outside sources and the stages that serve each part."""
    graph = state.client.registry.lineage(reference, direction="down" if down else "up", depth=depth)
    state.show(graph, _tree(graph))


@click.command("resolve")
@click.argument("reference")
@session
def resolve(state: Session, reference: str) -> None:
    """What REFERENCE (kind/name@selector) means now, and for a stage the decision that put it there."""
    body = state.client.resolve(reference).body
    by = f"  by decision {body['decision_id']}" if body.get("decision_id") else ""
    index = f"  index {body['integrity']}" if body.get("integrity") else ""
    away = f"  {_away(body)}" if _away(body) else ""
    state.show(body, f"{_name(body)}  {body['digest']}{by}{index}{away}{until_of(body)}")


@click.command("archive")
@click.argument("reference")
@session
def archive(state: Session, reference: str) -> None:
    """Put REFERENCE away: an artifact (kind/name), or one version of it. It answers, but takes nothing new."""
    state.client.registry.archive(reference)
    state.show({"archived": reference}, Text(f"archived {reference}"))


@click.command("restore")
@click.argument("reference")
@session
def restore(state: Session, reference: str) -> None:
    """Take REFERENCE, an artifact or one version of it, back into use."""
    state.client.registry.restore(reference)
    state.show({"restored": reference}, Text(f"restored {reference}"))


@click.command("revoke")
@click.argument("reference")
@click.option("--reason", required=True, help="Why; it is told wherever the version is refused.")
@session
def revoke(state: Session, reference: str, reason: str) -> None:
    """Take the version REFERENCE (kind/name@selector) out of use for good, with everything made from it.

    Stages that serve any of it stop answering until another version stands there.
    """
    done = state.client.registry.revoke(reference, reason)
    made = [f"  {_name(version)}  {short(version['digest'])}" for version in done["dependents"]]
    serving = [f"  {item['label']} at {item['stage']}  {short(item['digest'])}" for item in done["serving"]]
    lines = [f"revoked {_name(done['version'])}  {done['version']['digest']}"]
    lines += ["refused with it, being made from it:", *made] if made else ["nothing is made from it"]
    lines += (
        ["no longer answered, until another version stands there:", *serving] if serving else ["no stage serves it"]
    )
    state.show(done, "\n".join(lines))


@click.command("render")
@click.argument("reference")
@click.option("--var", "values", multiple=True, metavar="NAME=TEXT", help="A variable that is text. May be repeated.")
@click.option(
    "--vars", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Variables in a file."
)
@session
def render(state: Session, reference: str, values: tuple[str, ...], file: Path | None) -> None:
    """The chat messages of the prompt REFERENCE. Variables that are not text come from a YAML or JSON file."""
    variables = {**(_read_yaml(file) if file else {}), **_pairs(values, "--var")}
    messages = state.client.registry.render(reference, variables)
    shown = [Text.assemble((f"[{message['role']}]\n", "bold"), message["content"]) for message in messages]
    state.show(messages, Group(*shown))


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} is not valid YAML", fields=[FieldError("$", str(error))]) from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise Invalid(f"{file} does not hold a mapping", fields=[FieldError("$", "write names and values")])
    return value


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    for text in texts:
        if "=" not in text:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return {name: value for name, _, value in (text.partition("=") for text in texts)}


def _name(version: dict[str, Any]) -> str:
    return f"{version['kind']}/{version['name']} v{version['number']}"


def _away(item: dict[str, Any]) -> str:
    return " ".join(word for word in ("archived", "revoked") if item.get(word))


def _labels(item: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in item["labels"].items())


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _yaml(manifest: dict[str, Any]) -> str:
    return yaml.safe_dump(manifest, allow_unicode=True, sort_keys=True, width=100)


def _step(step: dict[str, Any]) -> str:
    mark = {"add": "+", "remove": "-", "replace": "~"}[step["op"]]
    sides = [json.dumps(step[side], ensure_ascii=False) for side in ("from", "to") if side in step]
    return f"{mark} {step['path']}: {' → '.join(sides)}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(*heads, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _tree(graph: dict[str, Any]) -> Tree:
    nodes = {node["version"]["digest"]: node for node in graph["nodes"]}
    near, far = ("from_digest", "to_digest") if graph["direction"] == "up" else ("to_digest", "from_digest")
    children: dict[str, list[tuple[str, str]]] = {}
    for edge in graph["edges"]:
        children.setdefault(edge[near], []).append((edge["role"], edge[far]))

    def grow(digest: str, role: str) -> Tree:
        branch = Tree(_node_text(nodes.get(digest), digest, role))
        for source in nodes.get(digest, {}).get("sources", ()):
            branch.add(Text(f"{source['role']}: {source['uri']}", style="dim"))
        for inner_role, inner in children.get(digest, ()):
            branch.add(grow(inner, inner_role))
        return branch

    return grow(graph["root"], "")


def _node_text(node: dict[str, Any] | None, digest: str, role: str) -> Text:
    head = f"{role}: " if role else ""
    if node is None:
        return Text(f"{head}{short(digest)} (not registered)", style="red")
    stages = ", ".join(sorted({serving["stage"] for serving in node["serving"]}))
    note = f"  {_away(node['version'])}".rstrip() + (f"  serves {stages}" if stages else "")
    return Text(f"{head}{_name(node['version'])}  {short(digest)}{note}")


commands: list[click.Command] = [
    register,
    list_artifacts,
    show,
    versions,
    diff,
    lineage,
    resolve,
    archive,
    restore,
    revoke,
    render,
]
