"""Writes the dates on which support of runtimes, systems and servers ends, from the data of endoflife.date.

    .venv/bin/python scripts/write_lifetimes.py FOLDER [TARGET]

FOLDER is a clone of https://github.com/endoflife-date/endoflife.date (MIT), bare or not; nothing is fetched. Its newest commit is
read, and its date becomes that of the data. Without TARGET, the file of the release is written, which is committed; with one, a file
for an agent's data folder, see docs/operations.md.
"""

import datetime
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

OURS = Path(__file__).resolve().parent.parent / "seatrial/agent/sandboxes/facts/lifetimes"
PRODUCTS = (
    "almalinux", "alpine-linux", "amazon-corretto", "amazon-linux", "bun", "centos", "debian", "deno", "dotnet", "eclipse-temurin", "elixir",
    "erlang", "fedora", "go", "mariadb", "mongodb", "mysql", "nginx", "nodejs", "openjdk-builds-from-oracle", "oracle-linux", "perl", "php",
    "postgresql", "python", "rabbitmq", "redis", "rocky-linux", "ruby", "rust", "tomcat", "ubuntu", "valkey",
)  # fmt: skip


def main() -> int:
    """Write the data, and its licence where it is ours."""
    if not 2 <= len(sys.argv) <= 3:
        print(__doc__)
        return 2
    clone, target = Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else OURS / "lifetimes.json"
    commit, date = git(clone, "log", "-1", "--format=%H %cs").split()
    products = {name: product(git(clone, "show", f"HEAD:products/{name}.md")) for name in PRODUCTS}
    lines = [f"    {json.dumps(name)}: {json.dumps(products[name])}" for name in sorted(products)]
    head = {"source": "endoflife.date", "commit": commit, "date": date}
    heads = "".join(f"  {json.dumps(key)}: {json.dumps(value)},\n" for key, value in head.items())
    target.write_text(f'{{\n{heads}  "products": {{\n' + ",\n".join(lines) + "\n  }\n}\n")
    if target.parent == OURS:
        (OURS / "LICENSE.txt").write_text(git(clone, "show", "HEAD:LICENSE").strip() + "\n")
    print(f"wrote {target}: {len(products)} products as of {date}")
    return 0


def git(clone: Path, *arguments: str) -> str:
    """What git says of the clone."""
    return subprocess.run(
        ["git", "-C", str(clone), *arguments], check=True, capture_output=True, text=True
    ).stdout


def product(page: str) -> dict[str, Any]:
    """The title, and each cycle with its dates: `ends` is null where nobody has said so yet."""
    data = next(iter(YAML(typ="safe").load_all(page.split("\n---", 1)[0])))
    return {
        "title": data["title"],
        "cycles": {str(one["releaseCycle"]): dates(one) for one in data["releases"]},
    }


def dates(release: dict[str, Any]) -> dict[str, str | None]:
    """When it was released, and when its last security fixes come: those for everybody, and those of extended support. One that has
    ended on no known day ended with its last release."""
    ends = release["eol"]
    if ends is True:
        ends = release.get("latestReleaseDate") or release["releaseDate"]
    found = {
        "released": str(release["releaseDate"]),
        "ends": str(ends) if isinstance(ends, datetime.date) else None,
    }
    if isinstance(release.get("eoes"), datetime.date):
        found["extended"] = str(release["eoes"])
    return found | ({"codename": release["codename"].split()[0].lower()} if release.get("codename") else {})


if __name__ == "__main__":
    sys.exit(main())
