"""Bringing a server to what a project declares: blobs, versions in the order of their pins, indexes by the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from sekisho.cli.apply.declarations import IndexDeclaration, ModelDeclaration
from sekisho.cli.apply.manifests import raw_manifest
from sekisho.cli.apply.provenance import Said
from sekisho.cli.apply.reading import Declared, Project
from sekisho.client.indexing import Indexing
from sekisho.client.registry import Registry
from sekisho.indexing.terms import ANALYSER
from sekisho.indexing.types import CHUNKERS
from sekisho.kernel.errors import FieldError, Invalid, NotFound, Revoked, SekishoError
from sekisho.kernel.references import Kind
from sekisho.registry.kinds import MANIFESTS


@dataclass(frozen=True, slots=True)
class Applied:
    """What a name means now. `state` is ``new``, ``known`` (registered once more) or ``unchanged``."""

    label: str
    number: int
    digest: str
    state: str
    note: str = ""


class Shows(Protocol):
    """Told of what happens, for a person who waits."""

    def applied(self, one: Applied) -> None: ...

    def building(self, label: str, job: Mapping[str, Any]) -> None: ...


Models = Callable[[], list[dict[str, Any]]]
"""The models that the server's hosts have now, each with name, provider and digest."""


@dataclass(frozen=True)
class Applier:
    """One `apply`. `before` is what the lock said until now."""

    registry: Registry
    indexing: Indexing
    models: Models
    said: Said
    before: Mapping[str, str]
    shows: Shows
    _digests: dict[str, str] = field(default_factory=dict)

    def apply(self, project: Project) -> list[Applied]:
        """Register everything, in order. Raises `SekishoError`; what is registered by then stays, and does no harm."""
        done = []
        for one in project.declared:
            try:
                applied = self._build(one) if isinstance(one.declaration, IndexDeclaration) else self._register(one)
            except Invalid as error:
                raise _named(one, error) from error
            except Revoked as error:
                raise _named(one, Invalid(error.detail, remedy=error.remedy)) from error
            self._digests[one.label] = applied.digest
            self.shows.applied(applied)
            done.append(applied)
        return done

    def _register(self, one: Declared) -> Applied:
        raw = raw_manifest(one.kind, one.declaration, one.content, self._digests, self._model_digest(one))
        manifest = msgspec.convert(raw, MANIFESTS[one.kind])
        digest = manifest.own_digest()
        # Also where the version stands already: a server that lost bytes gets them back.
        self.registry.put_blobs([file.data for file in one.content.files])
        if standing := self._standing(one.label, digest):
            return standing
        made = self.registry.register(one.label, manifest.to_json(), self.said.as_json())
        return _applied(one.label, made["version"], new=made["new"])

    def _standing(self, label: str, digest: str) -> Applied | None:
        """The version, where it is the name's latest, in use, and was registered with the very same words already."""
        try:
            version = self.registry.version(f"{label}@latest")
        except NotFound:
            return None
        if version["digest"] != digest or version["archived"] or version["revoked"]:
            return None
        said = self.said.as_json()
        registrations = self.registry.registrations(f"{label}@{digest}")
        if not any(all(one[name] == text for name, text in said.items()) for one in registrations):
            return None
        return Applied(label, version["number"], digest, "unchanged")

    def _model_digest(self, one: Declared) -> str:
        model = one.declaration
        if not isinstance(model, ModelDeclaration) or model.digest is not msgspec.UNSET:
            return ""
        for found in self.models():
            if (found["name"], found["provider"]) == (model.name, model.provider):
                return str(found["digest"])
        raise Invalid(
            f"no host has the model {model.name} of provider {model.provider} now",
            fields=[FieldError("$.digest", "pull the model on a host of the settings, or write its digest here")],
        )

    def _build(self, one: Declared) -> Applied:
        recipe = one.declaration
        assert isinstance(recipe, IndexDeclaration)  # noqa: S101  # the caller asked
        if standing := self._built(one.label, recipe):
            return standing
        plain = msgspec.to_builtins(recipe)
        retriever = {name: value for name, value in plain["retriever"].items() if value is not None}
        corpus = f"{Kind.CORPUS}/{recipe.corpus}@{self._digests[f'{Kind.CORPUS}/{recipe.corpus}']}"
        job = self.indexing.start_build(
            one.name,
            corpus,
            retriever,
            chunker=plain["chunker"],
            embedder=recipe.embedder,
            registration=self.said.as_json(),
        )
        ended = self.indexing.wait("builds", job["id"], lambda seen: self.shows.building(one.label, seen))
        if ended["state"] != "done":
            raise SekishoError(f"{one.label} was not built: {ended['error'] or ended['state']}")
        result = ended["result"]
        version = self.registry.version(f"{one.label}@{result['digest']}")
        note = f"{result['chunks']} chunks, {result['embedded']} embedded, {result['seconds']:.1f} s"
        return _applied(one.label, version, new=result["new"], note=note)

    def _built(self, label: str, recipe: IndexDeclaration) -> Applied | None:
        """The index of the lock, where it is what this recipe gives and its store was last found to be so."""
        digest = self.before.get(label)
        standing = self._standing(label, digest) if digest else None
        if standing is None or not self._gives(recipe, self.registry.version(f"{label}@{digest}")["manifest"]):
            return None
        record = next((build for build in self.indexing.builds() if build["digest"] == digest), None)
        return standing if record is not None and record["integrity"] == "verified" else None

    def _gives(self, recipe: IndexDeclaration, manifest: Mapping[str, Any]) -> bool:
        """Whether the manifest says all that the recipe says, of the same corpus and the embedder as it is now."""
        retriever = dict(manifest["retriever"])
        analyser = retriever.pop("analyser", ANALYSER)
        wanted, reranker = recipe.retriever.pinned(), retriever.get("reranker")
        if reranker and "reranker" in wanted:
            wanted["reranker"]["digest"] = reranker["digest"]
        chunker = {name: manifest["chunker"].get(name) for name in ("name", "max_tokens", "overlap")}
        same = (
            retriever == wanted
            and analyser == ANALYSER
            and chunker == msgspec.to_builtins(recipe.chunker)
            and manifest["chunker"]["version"] == CHUNKERS[recipe.chunker.name]
        )
        pin = manifest["embedder"]
        pins = {pin["digest"], *([reranker["digest"]] if reranker else [])}
        models = pins <= {found["digest"] for found in self.models()}
        corpus = manifest["corpus"] == self._digests[f"{Kind.CORPUS}/{recipe.corpus}"]
        return same and corpus and models and pin["name"] == recipe.embedder


def _applied(label: str, version: Mapping[str, Any], *, new: bool, note: str = "") -> Applied:
    return Applied(label, version["number"], version["digest"], "new" if new else "known", note)


def _named(one: Declared, error: Invalid) -> Invalid:
    """The server's refusal, named from the file that the declaration stands in."""
    fields = [
        one.at(FieldError(problem.path.replace("$.manifest", "$", 1), problem.message)) for problem in error.fields
    ]
    detail = f"{one.label} was refused: {error.detail}"
    return Invalid(detail, fields=fields or [one.at(FieldError("$", error.detail))], remedy=error.remedy)
