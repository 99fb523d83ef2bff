"""Writes docs/packs.md from the packs' own files, so that it is always right. `--check` only reports whether it is up to date."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from seatrial.control.policies.packs import Pack, PackedPolicy

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "packs.md"
HEAD = """\
# Policies that come along

Written by `make docs` from the packs. A pack is a folder of policies; a new workspace has those of *Starter*. Each policy is one file that
stands alone, carries its own tests, and can be copied and changed ([how](policies.md)). All judge by what is in the files; what passes names
the line that proves it, and what was not read is said.

| pack | policies | what it is about |
|---|---|---|
"""


def main() -> int:
    """Write, or check."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seatrial.control.settings")
    django.setup()
    from seatrial.control.policies import packs

    text = page(packs.catalogue())
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


def page(catalogue: "list[Pack]") -> str:
    """The whole page."""
    rows = "".join(
        f"| [{pack.name}](#{anchor(pack.name)}) (`{pack.slug}`) | {len(pack.policies)} | {flat(pack.description)} |\n"
        for pack in catalogue
    )
    return HEAD + rows + "".join(section(pack) for pack in catalogue)


def section(pack: "Pack") -> str:
    """One pack."""
    return f"\n## {pack.name}\n" + "".join(entry(policy) for policy in pack.policies)


def entry(policy: "PackedPolicy") -> str:
    """One policy: what it looks at, its parameters, and what its tests show."""
    lines = ["", f"### {policy.name}", "", f"`{policy.slug}` · {flat(policy.description)}"]
    if policy.params:
        given = ", ".join(f"`{name}` {shown(value)}" for name, value in policy.params.items())
        lines += ["", f"Parameters and what they are unless somebody changes them: {given}."]
    for verdict, word in ((True, "Passes"), (False, "Fails")):
        names = [test["name"] for test in policy.tests if test["expected"].get("passed") is verdict]
        lines += ["", f"{word}: {'; '.join(names)}."]
    return "\n".join(lines) + "\n"


def shown(value: object) -> str:
    """A parameter's value, as JSON."""
    return f"`{json.dumps(value)}`"


def flat(text: str) -> str:
    """Text on one line, as a table's cell can hold it."""
    return " ".join(text.split()).replace("|", "\\|")


def anchor(name: str) -> str:
    """The anchor of a heading."""
    return name.lower().replace(" ", "-").replace(".", "")


if __name__ == "__main__":
    sys.exit(main())
