"""The fact `licences`: whole texts by a library, cut ones by their words, and nothing that limits use called free."""

import importlib.metadata
import time
from pathlib import Path

import pytest

from seatrial.agent.sandboxes.facts.licences import MOST_BYTES, read
from seatrial.agent.sandboxes.facts.readers import READERS
from seatrial.agent.sandboxes.literals import Literals

MIT = (Path(__file__).parents[2] / "LICENSE").read_text()


def said(text: str, path: str = "LICENSE") -> tuple[list[tuple[str, int, str]], bool]:
    [one] = read(path, text)
    licences = one["licences"]
    found = [(each["id"], each["line"], each["confidence"]) for each in licences]
    return found, any(each["limits_use"] for each in licences)


def of_package(name: str) -> str:
    """The licence that a package of ours came with."""
    files = importlib.metadata.files(name) or []
    return next(one for one in files if one.name.startswith("LICENSE")).read_text()


@pytest.mark.parametrize(("package", "licence"), [("aiohttp", "Apache-2.0"), ("django", "BSD-3-Clause")])  # fmt: skip
def test_whole_texts_are_recognised(package: str, licence: str) -> None:
    [(name, line, confidence), *_], limits = said(of_package(package))
    assert (name, confidence, limits) == (licence, "high", False) and line >= 1


def test_a_whole_text_begins_with_its_title() -> None:
    assert MIT.startswith("MIT License\n") and said(MIT)[0] == [("MIT", 1, "high")]
    assert said(f"\n\n{MIT}")[0] == [("MIT", 3, "high")]


def test_each_of_several_texts_is_named_with_its_line() -> None:
    both, _ = said(f"{MIT}\n\n{of_package('django')}")
    assert [name for name, _, _ in both] == ["MIT", "BSD-3-Clause"] and both[1][1] > MIT.count("\n")


def test_a_text_among_many_other_words_is_less_sure() -> None:
    assert said("We like ships that sail far. " * 200 + "\n\n" + MIT)[0][0] == ("MIT", 5, "medium")


@pytest.mark.parametrize(("text", "licences", "limits"), [
    ("Business Source License 1.1\n\nChange License: Apache License, Version 2.0", ["BUSL-1.1", "Apache-2.0"], True),
    ('"Commons Clause" License Condition v1.0\n\n' + MIT, ["Commons Clause", "MIT"], True),
    ("Dual licensed, at your option: Business Source License 1.1, or MIT.\n\n" + MIT, ["BUSL-1.1", "MIT"], False),
    ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007\n", ["GPL-3.0"], False),
    ("SPDX-License-Identifier: EUPL-1.2", ["EUPL-1.2"], False),
    ("Copyright Ship Ltd. All rights reserved.", ["proprietary"], False),
    ("Copyright Ship Ltd.\nThis must not be copied.\n" + "It sails. " * 60 + "\nOther parts:\n\n" + MIT, ["proprietary", "MIT"], False),
    ("It sails.", [], False),
    ("", [], False),
])  # fmt: skip
def test_cut_texts_are_recognised_by_their_words(text: str, licences: list[str], limits: bool) -> None:
    found, limited = said(text)
    assert ([name for name, _, _ in found], limited) == (licences, limits)


async def test_which_files_hold_licences_and_whose() -> None:
    files = {
        "LICENSE": MIT, "vendor/a/COPYING.md": "x", "LICENSES/MIT.txt": MIT, "docs/MIT-LICENSE": "x", "license.py": "x", "src/licenses.json": "{}",
        "NOTICE.txt": "x", "licence.pdf": {"base64": "AAAA"}, "LICENSE.html": "x" * (MOST_BYTES + 1), "UNLICENSE": "x",
    }  # fmt: skip
    fact, _ = await Literals({"files": files}).answer(["fact", ["licences"]])
    assert {one["path"]: one["class"] for one in fact["licences"]} == {
        "LICENSE": "documentation", "vendor/a/COPYING.md": "vendored", "LICENSES/MIT.txt": "source", "docs/MIT-LICENSE": "documentation",
        "NOTICE.txt": "source", "UNLICENSE": "source",
    }  # fmt: skip
    assert (
        fact["left_out"]["licence.pdf"] == "a binary file"
        and "200,001 bytes" in fact["left_out"]["LICENSE.html"]
    )


def test_a_text_that_nearly_is_one_again_and_again_takes_no_longer_than_others() -> None:
    began = time.process_time()
    read("LICENSE", ("Permission is hereby granted, " * 10_000)[:MOST_BYTES])
    assert time.process_time() - began < 20  # of the processor, many times what it takes


def test_the_library_is_the_one_whose_version_the_fact_names() -> None:
    pinned = f"licenseclassifier=={READERS['licences'].version} "
    assert pinned in Path("requirements/base.in").read_text()
    assert importlib.metadata.version("licenseclassifier") == READERS["licences"].version
