"""Licences are recognised by the beginning of their text, even if they mention other licences further down."""

import re

import pytest

from tests.packs.trial import run

FSF = """
 Copyright (C) 2007 Free Software Foundation, Inc. <https://fsf.org/>
 Everyone is permitted to copy and distribute verbatim copies
 of this license document, but changing it is not allowed.
"""
AFFERO = """
  13. Use with the GNU Affero General Public License.

  Notwithstanding any other provision of this License, you have
permission to link or combine any covered work with a work licensed
under version 3 of the GNU Affero General Public License.
"""
LESSER = """
library.  If this is what you want to do, use the GNU Lesser General
Public License instead of this License.
"""
SECONDARY = """
1.12. "Secondary License"
    means either the GNU General Public License, Version 2.0, the GNU
    Lesser General Public License, Version 2.1, the GNU Affero General
    Public License, Version 3.0, or any later versions of those licenses.
"""
REGENTS = """Copyright (c) The Regents of the University of California.
All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met:
"""
TEXTS = {
    "GPL-3.0": "GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007\n" + FSF + AFFERO + LESSER,
    "GPL-2.0": "GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991\n" + FSF + LESSER,
    "LGPL-3.0": "GNU LESSER GENERAL PUBLIC LICENSE\n  Version 3, 29 June 2007\n" + FSF
    + "the terms and conditions of version 3 of the GNU General Public License",
    "LGPL-2.1": "GNU LESSER GENERAL PUBLIC LICENSE\n  Version 2.1, February 1999\n" + FSF,
    "AGPL-3.0": "GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007\n" + FSF,
    "GFDL": "GNU Free Documentation License\n Version 1.3, 3 November 2008\n" + FSF
    + "free software license, such as the GNU General Public License",
    "MPL-2.0": "Mozilla Public License Version 2.0\n=====\n" + SECONDARY,
    "MPL": "MOZILLA PUBLIC LICENSE\n Version 1.1\n\n proprietary rights; all rights reserved",
    "BSD": REGENTS,
    "Apache-2.0": "Apache License\n    Version 2.0, January 2004\n http://www.apache.org/licenses/",
    "CC0-1.0": "Creative Commons Legal Code\n\nCC0 1.0 Universal",
    "Artistic": 'The "Artistic License"\n\n Preamble',
    "proprietary": "Copyright Ship Ltd. All rights reserved.",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_a_licence_is_called_by_its_name(name: str) -> None:
    result = run("license", {"LICENSE": TEXTS[name]})
    assert re.fullmatch(rf"LICENSE:\d is {re.escape(name)}\.", result["message"]), result


@pytest.mark.parametrize(
    "path",
    [
        "LICENSE", "LICENCE.md", "UNLICENSE", "MIT-LICENSE", "MIT-LICENSE.txt", "LICENSE_1_0.txt", "LICENSE_APACHE",
        "LICENSE-MIT", "LICENSE.apache", "COPYING.LESSER", "LICENSES/MIT.txt", ".github/LICENSE",
    ],
)  # fmt: skip
def test_files_that_hold_a_licence(path: str) -> None:
    assert run("license", {path: REGENTS})["passed"]


@pytest.mark.parametrize(
    "path", ["license-checker/x.js", "license_check.py", "license-report.json", "src/LICENSE.txt"]
)
def test_files_that_do_not(path: str) -> None:
    assert "No licence file" in run("license", {path: REGENTS})["message"]


def test_a_binary_licence_file_does_not_hide_a_readable_one() -> None:
    assert (
        run("license", {"LICENSE.pdf": b"%PDF\0", "LICENSE.txt": REGENTS})["message"]
        == "LICENSE.txt:4 is BSD."
    )
    alone = run("license", {"LICENSE.pdf": b"%PDF\0"})
    assert (alone["score"], "no licence text" in alone["message"]) == (80, True)
