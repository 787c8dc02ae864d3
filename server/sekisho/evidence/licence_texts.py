"""Which licence a text is, or says of itself. Pure; what is not recognised is not guessed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

HEAD: Final = 4096
"""Characters at a document's beginning in which it speaks of itself."""

_FILE: Final = re.compile(r"^(?:un)?(?:licen[cs]e|copying)(?:[-._].*)?$", re.IGNORECASE)
_TAG: Final = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n]*?)[ \t]*(?:-->|\*/|\n|$)")
_FRONT_MATTER: Final = re.compile(r"\A---\n(.*?)\n---(?:\n|\Z)", re.DOTALL)
_FIELD: Final = re.compile(r"^licen[cs]e:[ \t]*(.+?)[ \t]*$", re.IGNORECASE | re.MULTILINE)
_COMMONS_URL: Final = re.compile(
    r"creativecommons\.org/(?:licenses/(by(?:-nc)?(?:-sa|-nd)?)/(\d\.\d)|publicdomain/(zero)/1\.0)", re.IGNORECASE
)
_COMMONS_TITLE: Final = re.compile(
    r"(?:Creative Commons )?Attribution(-NonCommercial)?(-ShareAlike|-NoDerivatives|-NoDerivs)? (\d\.\d) International",
    re.IGNORECASE,
)
_GNU: Final = re.compile(r"GNU (AFFERO |LESSER )?GENERAL PUBLIC LICENSE\s+Version (\d(?:\.\d)?)", re.IGNORECASE)

_FOR_ANY_PURPOSE: Final = "Permission to use, copy, modify, and/or distribute this software for any purpose"

# Phrases that stand in one licence's text and in no other's, the stricter licence first.
_PHRASES: Final = (
    ("Apache-2.0", ("Apache License", "Version 2.0, January 2004")),
    ("MPL-2.0", ("Mozilla Public License Version 2.0",)),
    ("MPL-2.0", ("Mozilla Public License, version 2.0", "Covered Software")),
    ("CC0-1.0", ("CC0 1.0 Universal",)),
    ("Unlicense", ("This is free and unencumbered software released into the public domain",)),
    ("ISC", (_FOR_ANY_PURPOSE, "provided that the above copyright notice")),
    ("0BSD", (_FOR_ANY_PURPOSE, "with or without fee is hereby granted. THE SOFTWARE IS PROVIDED")),
    ("BSL-1.0", ("Boost Software License - Version 1.0",)),
    (
        "Zlib",
        ("This software is provided 'as-is', without any express", "Altered source versions must be plainly"),
    ),
    (
        "PostgreSQL",
        ("without fee, and without a written agreement is hereby granted", "that the above copyright notice"),
    ),
    ("EPL-2.0", ("Eclipse Public License - v 2.0",)),
    ("EUPL-1.2", ("EUROPEAN UNION PUBLIC LICENCE v. 1.2",)),
    ("MS-PL", ("Microsoft Public License (Ms-PL)",)),
    ("Artistic-2.0", ("The Artistic License 2.0",)),
    ("OFL-1.1", ("SIL OPEN FONT LICENSE Version 1.1",)),
    ("WTFPL", ("DO WHAT THE FUCK YOU WANT TO PUBLIC LICENSE", "Version 2")),
    ("ODbL-1.0", ("Open Database License (ODbL) v1.0",)),
    ("ODC-By-1.0", ("Open Data Commons Attribution License (ODC-By) v1.0",)),
    ("PDDL-1.0", ("Public Domain Dedication and License (PDDL)",)),
    ("CDLA-Permissive-1.0", ("Community Data License Agreement", "Permissive", "Version 1.0")),
    ("CDLA-Permissive-2.0", ("Community Data License Agreement", "Permissive", "Version 2.0")),
    ("CDLA-Sharing-1.0", ("Community Data License Agreement", "Sharing", "Version 1.0")),
    ("MIT", ("Permission is hereby granted, free of charge, to any person obtaining a copy", "sublicense")),
    ("BSD-4-Clause", ("Redistribution and use in source and binary forms", "All advertising materials")),
    ("BSD-3-Clause", ("Redistribution and use in source and binary forms", "Neither the name")),
    ("BSD-2-Clause", ("Redistribution and use in source and binary forms",)),
    ("LicenseRef-Gemma", ("Gemma Terms of Use",)),
    ("LicenseRef-Llama-2-Community", ("LLAMA 2 COMMUNITY LICENSE AGREEMENT",)),
    ("LicenseRef-Llama-3-Community", ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT",)),
    ("LicenseRef-Llama-3.1-Community", ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT",)),
    ("LicenseRef-Llama-3.2-Community", ("LLAMA 3.2 COMMUNITY LICENSE AGREEMENT",)),
    ("LicenseRef-Llama-3.3-Community", ("LLAMA 3.3 COMMUNITY LICENSE AGREEMENT",)),
    ("LicenseRef-Qwen-Research", ("Qwen RESEARCH LICENSE AGREEMENT",)),
)


def is_licence_file(path: str) -> bool:
    """Whether a file's name says that it is the licence of what stands beside it: ``LICENSE``, ``COPYING.txt``."""
    return bool(_FILE.match(path.rpartition("/")[2]))


def licence_of(text: str) -> str:
    """The SPDX expression of a licence's whole text, several joined by AND; empty where none is recognised.

    A GNU licence's text does not say whether later versions may be chosen; the narrower reading is given.
    """
    if tags := sorted(set(_tags(text))):
        return " AND ".join(tags) if len(tags) == 1 else " AND ".join(f"({tag})" for tag in tags)
    return " AND ".join(_recognised(re.sub(r"\s+", " ", text)))


def said_of_itself(text: str) -> Iterator[str]:
    """What a document says of its own licence in its first lines: SPDX tags, front matter, a Creative Commons link."""
    head = text[:HEAD].replace("\r\n", "\n")
    yield from _tags(head)
    if matter := _FRONT_MATTER.match(head):
        yield from (field.strip("'\"") for field in _FIELD.findall(matter[1]))
        yield from _commons(matter[1])
    yield from (_linked(link) for link in re.findall(r"<link\b[^>]*\brel=[\"']?license\b[^>]*>", head, re.IGNORECASE))


def _tags(text: str) -> Iterator[str]:
    yield from (tag for tag in _TAG.findall(text) if tag)


def _linked(link: str) -> str:
    return next(_commons(link), link[:200])


def _commons(text: str) -> Iterator[str]:
    for terms, version, zero in _COMMONS_URL.findall(text):
        yield "CC0-1.0" if zero else f"CC-{terms.upper()}-{version}"


def _recognised(plain: str) -> list[str]:
    found = [f"{_gnu(kind)}-{version}-only" for kind, version in dict.fromkeys(_gnu_titles(plain))]
    for licence, phrases in _PHRASES:
        family = licence.split("-")[0]
        if all(phrase.casefold() in plain.casefold() for phrase in phrases) and not (
            family == "BSD" and any(one.startswith("BSD-") for one in found)
        ):
            found.append(licence)
    for commercial, share, version in _COMMONS_TITLE.findall(plain):
        terms = ("-NC" if commercial else "") + {"": "", "-sharealike": "-SA"}.get(share.casefold(), "-ND")
        found.append(f"CC-BY{terms}-{version}")
    return sorted(set(found))


def _gnu_titles(plain: str) -> list[tuple[str, str]]:
    """Kind and version by the titles; a GPL's text names the other ones of its family without a version."""
    return [
        (kind.strip().casefold(), version if "." in version else f"{version}.0")
        for kind, version in _GNU.findall(plain)
    ]


def _gnu(kind: str) -> str:
    return {"affero": "AGPL", "lesser": "LGPL"}.get(kind, "GPL")
