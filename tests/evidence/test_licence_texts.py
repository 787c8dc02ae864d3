"""Which licence a text is: known texts are told apart, and what is not known is not guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.evidence.licence_texts import is_licence_file, licence_of, said_of_itself
from sekisho.evidence.scanning import MAX_FINDINGS, Findings, declared, in_cases, in_documents
from sekisho.evidence.spdx import MAX_ALTERNATIVES, alternatives

MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy of this software to use, sublicense"
ANY_USE = "Permission to use, copy, modify, and/or distribute this software for any\npurpose"
NAMES = st.sampled_from(["MIT", "ISC", "CC0-1.0", "Zlib"])
EXPRESSIONS = st.recursive(NAMES, lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner), max_leaves=8)
BSD = "Redistribution and use in source and binary forms, with or without modification, are permitted"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Apache License\n   Version 2.0, January 2004", "Apache-2.0"),
        (f"MIT License\n\n{MIT}", "MIT"),
        (f"{MIT.replace(' sublicense', '')}", ""),
        (BSD, "BSD-2-Clause"),
        (f"{BSD} Neither the name of the holder", "BSD-3-Clause"),
        (f"{BSD} Neither the name of the holder. All advertising materials", "BSD-4-Clause"),
        ("GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007", "GPL-3.0-only"),
        ("GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3, 19 November 2007", "AGPL-3.0-only"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\nVersion 2.1, February 1999", "LGPL-2.1-only"),
        ("Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International", "CC-BY-NC-SA-4.0"),
        ("Attribution 4.0 International", "CC-BY-4.0"),
        ("Attribution-NoDerivatives 4.0 International", "CC-BY-ND-4.0"),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "LicenseRef-Llama-3-Community"),
        (f"Apache License Version 2.0, January 2004\n{MIT}", "Apache-2.0 AND MIT"),
        ("SPDX-License-Identifier: MIT OR ISC\n", "MIT OR ISC"),
        ("SPDX-License-Identifier: MIT\nSPDX-License-Identifier: ISC\n", "(ISC) AND (MIT)"),
        ("All rights reserved.", ""),
        ("", ""),
        (f"{ANY_USE}\nwith or without fee is hereby granted, provided that the above copyright\nnotice", "ISC"),
        (f"{ANY_USE}\nwith or without fee is hereby granted.\n\nTHE SOFTWARE IS PROVIDED", "0BSD"),
        ("Boost Software License - Version 1.0 - August 17th, 2003", "BSL-1.0"),
        (
            "This software is provided 'as-is', without any express or\n2. Altered source versions must be plainly",
            "Zlib",
        ),
        ("Mozilla Public License, version 2.0\n1.4. “Covered Software”", "MPL-2.0"),
        ("Eclipse Public License - v 2.0\nSecondary Licenses: GNU General Public License, Version 2.0", "EPL-2.0"),
        ("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n- GNU General Public License (GPL) v. 2, v. 3", "EUPL-1.2"),
        ("SIL OPEN FONT LICENSE Version 1.1 - 26 February 2007", "OFL-1.1"),
        ("## ODC Open Database License (ODbL) v1.0", "ODbL-1.0"),
        ("Community Data License Agreement - Permissive - Version 2.0", "CDLA-Permissive-2.0"),
        ("Community Data License Agreement – Sharing – Version 1.0", "CDLA-Sharing-1.0"),
    ],
)
def test_a_licences_text_is_known_by_its_words(text: str, licence: str) -> None:
    """However its lines are broken; several licences hold together."""
    assert licence_of(text) == licence
    assert licence == "" or alternatives(licence)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\ntitle: A\nlicense: CC-BY-NC-4.0\n---\n# A", ["CC-BY-NC-4.0"]),
        ("---\nLicence: 'MIT'\n---\n", ["MIT"]),
        ("---\r\nlicense: MIT\r\n---\r\n", ["MIT"]),
        ("<!-- SPDX-License-Identifier: CC-BY-SA-4.0 -->\n# A", ["CC-BY-SA-4.0"]),
        ("/* SPDX-License-Identifier: MIT */", ["MIT"]),
        ('<link rel="license" href="https://creativecommons.org/licenses/by-nc/4.0/">', ["CC-BY-NC-4.0"]),
        ('<link href="https://creativecommons.org/publicdomain/zero/1.0/" rel=license>', ["CC0-1.0"]),
        ("# Licences\n\nlicense: MIT is a word in a sentence", []),
        ("See https://creativecommons.org/licenses/by-nc/4.0/ for another work.", []),
        ("# A\n" + "x" * 5000 + "\nSPDX-License-Identifier: MIT\n", []),
    ],
)
def test_a_document_speaks_of_itself_in_its_first_lines(text: str, said: list[str]) -> None:
    """Tags, front matter and links of its own; what it says about other works is not about itself."""
    assert list(said_of_itself(text)) == said


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("LICENSE", True), ("en/LICENCE.md", True), ("COPYING.txt", True), ("UNLICENSE", True), ("LICENSE-MIT", True),
        ("13-licences-and-privacy.md", False), ("licensed.md", False), ("about/licence", True), ("NOTICE", False),
    ],
)  # fmt: skip
def test_a_licence_file_is_known_by_its_name(path: str, is_one: bool) -> None:
    """A page about licences is none."""
    assert is_licence_file(path) is is_one


def test_findings_of_a_corpus_say_where_and_how_often() -> None:
    """The same words from several documents are one finding; an unknown licence is shown by its first words."""
    findings = Findings()
    declared(findings, {"licence": "Apache-2.0", "files": [{"path": "b.md", "licence": "MIT"}, {"path": "c.md"}]})
    tagged = b"---\nlicense: CC-BY-NC-4.0\n---\n"
    in_documents(findings, [("a.md", tagged), ("b.md", tagged), ("LICENSE", b"Ask us.\nThen pay."), ("c.md", b"\xff")])
    found = [(one.source, one.place, one.said, one.count, bool(one.alternatives)) for one in findings.all]
    assert found == [
        ("document", "a.md", "CC-BY-NC-4.0", 2, True),
        ("file", "LICENSE", "a text that begins: Ask us. Then pay.", 1, False),
        ("manifest", "licence", "Apache-2.0", 1, True),
        ("manifest", "b.md", "MIT", 1, True),
    ]


def test_rows_of_a_dataset_name_their_licence() -> None:
    """In a field of either spelling; lines without it are not even read."""
    findings = Findings()
    in_cases(findings, b'{"id": "a", "license": "MIT"}\n{"id": "b"}\n{"id": "c", "licence": "CC0-1.0"}\n')
    assert [(one.place, one.said) for one in findings.all] == [("line 3", "CC0-1.0"), ("line 1", "MIT")]


def test_too_many_findings_are_cut_and_say_so() -> None:
    """The last one is read by nobody, so that nothing passes for want of room."""
    findings = Findings()
    for number in range(MAX_FINDINGS + 5):
        findings.add("document", f"{number}.md", f"LicenseRef-{number:03}")
    assert len(findings.all) == MAX_FINDINGS + 1
    assert findings.all[-1].said == "and 5 findings more"
    assert not findings.all[-1].alternatives


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("MIT", [["MIT"]]),
        ("mit", [["MIT"]]),
        ("GPL-3.0-only OR MIT", [["GPL-3.0-only"], ["MIT"]]),
        ("(MIT OR Apache-2.0) AND CC-BY-4.0", [["Apache-2.0", "CC-BY-4.0"], ["CC-BY-4.0", "MIT"]]),
        ("GPL-2.0+", [["GPL-2.0-or-later"]]),
        ("GPL-2.0-only WITH Classpath-exception-2.0", [["GPL-2.0-only WITH Classpath-exception-2.0"]]),
        ("LicenseRef-ours AND MIT", [["LicenseRef-ours", "MIT"]]),
        ("MIT AND", []), ("NOASSERTION", []), ("proprietary", []), ("", []), ("MIT\x00", []), ("M" * 201, []),
        (" AND ".join(["(MIT OR ISC)"] * 7), []),
    ],
)  # fmt: skip
def test_an_expression_becomes_alternatives(expression: str, found: list[list[str]]) -> None:
    """One alternative is enough; what cannot be read, or is too much, has none and so passes nowhere."""
    assert [list(one) for one in alternatives(expression)] == found


@given(EXPRESSIONS, st.sets(NAMES))
def test_alternatives_mean_what_the_expression_means(tree: object, allowed: set[str]) -> None:
    """For every set of allowed licences: some alternative lies within it exactly where the expression holds."""

    def written(node: object) -> str:
        return f"({written(node[0])} {node[1]} {written(node[2])})" if isinstance(node, tuple) else str(node)

    def holds(node: object) -> bool:
        if not isinstance(node, tuple):
            return node in allowed
        parts = holds(node[0]), holds(node[2])
        return all(parts) if node[1] == "AND" else any(parts)

    found = alternatives(written(tree))
    if found or len(written(tree)) <= 150:
        assert len(found) <= MAX_ALTERNATIVES
        assert any(set(one) <= allowed for one in found) is holds(tree)
