"""What gives a licence away where its text is not whole: the words by which people cut it short, and its name at the beginning.

All of it is matched by RE2, in linear time: the texts are anybody's.
"""

import re2

# Terms that limit use. They name the licence that they turn into, or that they limit, often before themselves.
LIMITED = [
    ("BUSL-1.1", r"business source license"),
    ("SSPL-1.0", r"server side public license"),
    ("Elastic-2.0", r"elastic license 2\.0"),
    ("Commons Clause", r"commons clause"),
    ("FSL", r"functional source license"),
    ("PolyForm", r"polyform \w+ license"),
    ("Confluent-Community", r"confluent community license"),
    ("RSAL", r"redis source available license"),
    ("CC-BY-NC", r"attribution-noncommercial"),
    ("CC-BY-ND", r"attribution-noderivatives"),
]
# The earliest in the text wins: a licence names itself first, and others further down.
TEXTS = [
    ("MIT-0", r"\bmit no attribution"),
    ("MIT", r"permission is hereby granted, free of charge"),
    ("Apache-2.0", r"apache license,? version 2\.0|licensed under the apache license, version 2\.0"),
    ("AGPL-3.0", r"gnu affero general public license"),
    ("LGPL-3.0", r"gnu lesser general public license,? version 3"),
    ("LGPL-2.1", r"gnu lesser general public license,? version 2\.1"),
    ("LGPL", r"gnu (?:lesser|library) general public license"),
    ("GPL-3.0", r"gnu general public license,? version 3"),
    ("GPL-2.0", r"gnu general public license,? version 2"),
    ("GPL", r"gnu general public license"),
    ("GFDL", r"gnu free documentation license"),
    ("MPL-2.0", r"mozilla public license,? (?:version |v\. ?)2\.0"),
    ("MPL", r"mozilla public license"),
    ("BSD", r"redistribution and use in source and binary forms"),
    ("BSL-1.0", r"boost software license"),
    ("EPL-2.0", r"eclipse public license -? ?v(?:ersion)? ?2\.0"),
    ("EPL", r"eclipse public license"),
    ("CDDL", r"common development and distribution license"),
    ("Artistic", r"the \"?artistic license"),
    ("Zlib", r"this software is provided 'as-is', without any express or implied warranty"),
    ("curl", r"copyright and permission notice"),
    (
        "PostgreSQL",
        r"permission to use, copy, modify, and distribute this software and its documentation for any purpose, without fee, and without a written agreement",
    ),
    (
        "HPND",
        r"permission to use, copy, modify,? and distribute this software and its documentation for any purpose",
    ),
    (
        "ISC",
        r"permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee is hereby granted, provided",
    ),
    (
        "0BSD",
        r"permission to use, copy, modify,? and(?:/or)? distribute this software for any purpose with or without fee is hereby granted\.",
    ),
    ("NCSA", r"university of illinois/ncsa open source license"),
    ("PSF-2.0", r"python software foundation license version 2"),
    ("MS-PL", r"microsoft public license"),
    ("MulanPSL-2.0", r"mulan (?:psl|permissive software license).{0,4} ?v(?:ersion)? ?2"),
    ("OFL-1.1", r"sil open font license"),
    ("ODbL-1.0", r"open database license"),
    ("WTFPL", r"do what the fuck you want to public license"),
    ("Unlicense", r"this is free and unencumbered software"),
    ("CC0-1.0", r"creative commons(?: legal code)? cc0|cc0 1\.0 universal"),
    ("CC-BY-SA-4.0", r"attribution-sharealike 4\.0 international"),
    ("CC-BY-4.0", r"attribution 4\.0 international"),
    ("CC", r"creative commons"),
    ("EUPL-1.2", r"european union public licen[cs]e v\. ?1\.2"),
    ("EUPL", r"european union public licen[cs]e"),
]
COMPILED = [(name, re2.compile("(?i)" + p.replace(" ", r"[\s*#/>;]+"))) for name, p in TEXTS]
OF_LIMITED = [(name, re2.compile("(?i)" + p.replace(" ", r"\s+"))) for name, p in LIMITED]
SEVERAL = re2.compile(
    r"(?i)\b(dual|tri|triple|multi)[- ]?licens|at\s+your\s+(choice|option)|your\s+choice\s+of"
)
BEGINNING = 6000  # characters in which terms that limit use say what they are
BSD = [
    ("BSD-4-Clause", r"advertising\s+materials"),
    ("BSD-3-Clause", r"neither\s+the\s+names?|may\s+not\s+be\s+used\s+to\s+endorse|endorse\s+or\s+promote"),
    ("BSD-2-Clause", r"in\s+no\s+event"),
]
JSON = [("JSON", r"shall\s+be\s+used\s+for\s+good,\s+not\s+evil")]


def limited(text: str) -> tuple[str, int] | None:
    """The terms that limit use, and where they are named; None if there are none."""
    for name, pattern in OF_LIMITED:
        match = pattern.search(text, 0, BEGINNING)
        if match:
            return name, match.start()
    return None


def several(text: str) -> bool:
    """Whether the beginning offers a choice of licences."""
    return bool(SEVERAL.search(text, 0, BEGINNING))


def earliest(text: str) -> tuple[str, int] | None:
    """The licence that is named first, and where."""
    found = [(match.start(), name) for name, pattern in COMPILED if (match := pattern.search(text))]
    if not found:
        return None
    offset, name = min(found, key=lambda pair: pair[0])  # of those at one place, the first above
    family = {"BSD": BSD, "MIT": JSON}.get(name, [])
    return next((one for one, pattern in family if re2.search(f"(?i){pattern}", text)), name), offset
