"""Licences of what a version is made of."""

from __future__ import annotations

from tests.gate import inputs
from tests.gate.cases.declaring import case
from tests.gate.inputs import CORPUS, INDEX, MODEL, NOW, Json


def _licences(document: Json, subject: str, *findings: Json) -> None:
    """Another scan of one version than its own."""
    found = document["evidence"]["licences"]
    found[:] = [inputs.scan(subject, *findings) if one["subject"] == subject else one for one in found]


@case("LIC-01", "failed")
def licence_not_allowed(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("manifest", "licence", "CC-BY-NC-4.0"))


@case("LIC-01", "failed")
def page_under_another_licence(document: Json) -> None:
    declared = inputs.licence("manifest", "licence", "CC-BY-4.0")
    _licences(document, CORPUS, declared, inputs.licence("document", "en/a.md", "CC-BY-NC-4.0", 3))


@case("LIC-01", "failed")
def licences_that_hold_together(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("file", "LICENSE", "MIT AND CC-BY-NC-4.0"))


@case("LIC-01", "inconclusive")
def licence_that_nobody_can_read(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("file", "LICENSE", "a text that begins: All rights reserved"))


@case("LIC-01", "passed")
def licence_that_somebody_confirmed(document: Json) -> None:
    licence_that_nobody_can_read(document)
    document["evidence"]["attested"].append(inputs.confirmation(CORPUS, "Apache-2.0"))


@case("LIC-01", "inconclusive")
def confirmation_that_has_expired(document: Json) -> None:
    licence_that_nobody_can_read(document)
    document["evidence"]["attested"].append({**inputs.confirmation(CORPUS, "Apache-2.0"), "expires_at": NOW})


@case("LIC-01", "failed")
def confirmation_of_another_licence(document: Json) -> None:
    document["evidence"]["attested"].append(inputs.confirmation(CORPUS, "CC-BY-NC-4.0"))


@case("LIC-01", "missing")
def licences_not_scanned(document: Json) -> None:
    document["evidence"]["licences"] = document["evidence"]["licences"][1:]


@case("LIC-01", "missing", "LIC-01", "LIC-02")
def embedder_of_unknown_licence(document: Json) -> None:
    _licences(document, INDEX)


@case("LIC-01", "passed")
def licence_by_choice(document: Json) -> None:
    _licences(document, CORPUS, inputs.licence("manifest", "licence", "GPL-3.0-only OR MIT"))


@case("LIC-01", "failed", "")
def waived_licence(document: Json) -> None:
    licence_not_allowed(document)
    document["waivers"] = [inputs.waiver("LIC-01")]


@case("LIC-02", "missing")
def licence_by_the_manifest_alone(document: Json) -> None:
    _licences(document, MODEL, inputs.licence("manifest", "licence", "Apache-2.0"))


@case("LIC-02", "passed")
def licence_of_the_model_confirmed(document: Json) -> None:
    licence_by_the_manifest_alone(document)
    document["evidence"]["attested"].append(inputs.confirmation(MODEL, "Apache-2.0"))


@case("LIC-02", "missing", "")
def waived_bearing_out(document: Json) -> None:
    licence_by_the_manifest_alone(document)
    document["waivers"] = [inputs.waiver("LIC-02")]
