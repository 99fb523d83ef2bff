"""Node.js: package.json."""

import re

from seatrial.agent.sandboxes.documents.manifests.shape import Found, Lines, Unreadable, json_object, table

GROUPS = {
    "dependencies": "main",
    "devDependencies": "dev",
    "peerDependencies": "peer",
    "optionalDependencies": "optional",
}
YARN = re.compile(r'^"?((?:@[^@/\s"]+/)?[^@\s",]+)@', re.MULTILINE)
PNPM = re.compile(r"^ {2,6}'?/?((?:@[^@/\s']+/)?[^@/\s:']+)(?:[@/:])", re.MULTILINE)


def package(_path: str, text: str) -> Found:
    """All groups. Raises Unreadable."""
    data, lines = json_object(text), Lines(text)
    found = Found(name=str(data.get("name") or ""))
    for key, group in GROUPS.items():
        for name, spec in table(data, key).items():
            found.add(name, spec, group, lines.find(name, f'"{key}"'))
    return found


def locked(text: str) -> dict[str, set[str]]:
    """The names in a lock file of npm, Yarn or pnpm."""
    if not text.lstrip().startswith("{"):
        return {name: set() for name in (*YARN.findall(text), *PNPM.findall(text))}
    try:
        data = json_object(text)
    except Unreadable:
        return {}
    names = {path.rpartition("node_modules/")[2] for path in table(data, "packages") if path}
    return {name: set() for name in (*names, *table(data, "dependencies"))}
