"""Artifacts, versions, stages and blobs of one project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sekisho.client.connection import Connection
from sekisho.kernel.digests import digest_of_bytes
from sekisho.kernel.errors import FieldError, Invalid
from sekisho.kernel.references import DEFAULT_PROJECT, Reference, parse_reference


class Registry:
    """The registry of a server. References are text, such as ``prompt/ask@v2``; without a selector, the latest."""

    def __init__(self, connection: Connection, project: str = DEFAULT_PROJECT) -> None:
        self._connection = connection
        self.project = project

    def artifacts(
        self,
        *,
        kind: str | None = None,
        name_contains: str | None = None,
        archived: bool | None = None,
        label: str | None = None,
    ) -> list[dict[str, Any]]:
        """Every artifact, oldest first. `label` is a label's name, or ``name=value``."""
        wanted = {"kind": kind, "name_contains": name_contains, "archived": archived, "label": label}
        return self._connection.pages(f"/v1/projects/{self.project}/artifacts", **wanted, limit=200)

    def artifact(self, reference: str) -> dict[str, Any]:
        return dict(self._connection.get(_artifact(self._parsed(reference))))

    def register(
        self, reference: str, manifest: Mapping[str, Any], registration: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Register a manifest as a version of ``kind/name``: ``{"version", "registration", "new"}``."""
        parsed = self._parsed(reference)
        if parsed.selector is not None:
            raise Invalid(
                f"{reference} names a version; a manifest is registered under a name",
                fields=[FieldError("$.reference", f"write {parsed.label}")],
            )
        body = {"manifest": dict(manifest), "registration": dict(registration or {})}
        return dict(self._connection.post(f"{_artifact(parsed)}/versions", body))

    def version(self, reference: str) -> dict[str, Any]:
        """A version with its manifest."""
        return dict(self._connection.get(_version(self._parsed(reference))))

    def versions(self, reference: str) -> list[dict[str, Any]]:
        """Every version without its manifest, oldest first."""
        return self._connection.pages(f"{_artifact(self._parsed(reference))}/versions", limit=200)

    def registrations(self, reference: str) -> list[dict[str, Any]]:
        """Who registered this version, from where, oldest first."""
        return self._connection.pages(f"{_version(self._parsed(reference))}/registrations", limit=200)

    def diff(self, before: str, after: str, *, text: bool = False) -> dict[str, Any]:
        """What changed between two versions of one artifact: ``changes`` as steps, or ``text`` as a unified diff."""
        old, new = self._parsed(before), self._parsed(after)
        if (old.project, old.label) != (new.project, new.label):
            raise Invalid(
                f"{before} and {after} are two artifacts; versions of one are compared",
                fields=[FieldError("$.to", f"name a version of {old.label}")],
            )
        selectors = {"from": _selector(old), "to": _selector(new), "format": "text" if text else "json"}
        return dict(self._connection.get(f"{_artifact(old)}/diff", **selectors))

    def lineage(self, reference: str, *, direction: str = "up", depth: int = 10) -> dict[str, Any]:
        path = f"{_version(self._parsed(reference))}/lineage"
        return dict(self._connection.get(path, direction=direction, depth=depth))

    def stages(self, reference: str) -> dict[str, Any]:
        """What each stage serves of an artifact, and the last moves."""
        return dict(self._connection.get(f"{_artifact(self._parsed(reference))}/stages"))

    def archive(self, reference: str) -> None:
        """Put an artifact away, or with a selector one version."""
        self._connection.post(f"{self._target(reference)}/archive")

    def restore(self, reference: str) -> None:
        """Take an artifact, or with a selector one version, back into use."""
        self._connection.post(f"{self._target(reference)}/restore")

    def revoke(self, reference: str, reason: str) -> dict[str, Any]:
        """Take a version out of use for good; tells its ``dependents`` and the stages that serve any of them."""
        parsed = self._parsed(reference)
        if parsed.selector is None:
            raise Invalid(f"{reference} does not say which version is revoked", remedy=f"write {reference}@v<number>")
        return dict(self._connection.post(f"{_version(parsed)}/revoke", {"reason": reason}))

    def render(self, reference: str, variables: Mapping[str, Any]) -> list[dict[str, str]]:
        """A prompt's chat messages for these variables."""
        body = {"variables": dict(variables)}
        return list(self._connection.post(f"{_version(self._parsed(reference))}/render", body)["messages"])

    def put_blobs(self, contents: Sequence[bytes]) -> list[str]:
        """Send the bytes that the server does not have yet; gives the digest of each."""
        by_digest = {digest_of_bytes(data): data for data in contents}
        path = f"/v1/projects/{self.project}/blobs"
        if by_digest:
            for digest in self._connection.post(f"{path}/missing", {"digests": list(by_digest)})["missing"]:
                self._connection.put_bytes(f"{path}/{digest}", by_digest[digest])
        return [digest_of_bytes(data) for data in contents]

    def blob(self, digest: str) -> bytes:
        """The bytes under a digest."""
        return self._connection.send("GET", f"/v1/projects/{self.project}/blobs/{digest}").content

    def _parsed(self, reference: str) -> Reference:
        return parse_reference(reference, project=self.project)

    def _target(self, reference: str) -> str:
        parsed = self._parsed(reference)
        return _artifact(parsed) if parsed.selector is None else _version(parsed)


def _artifact(reference: Reference) -> str:
    return f"/v1/projects/{reference.project}/artifacts/{reference.kind}/{reference.name}"


def _version(reference: Reference) -> str:
    return f"{_artifact(reference)}/versions/{_selector(reference)}"


def _selector(reference: Reference) -> str:
    return "latest" if reference.selector is None else str(reference.selector)
