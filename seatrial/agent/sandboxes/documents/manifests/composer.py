"""PHP: composer.json."""

from seatrial.agent.sandboxes.documents.manifests.shape import (
    Found,
    Lines,
    Unreadable,
    array,
    by_name,
    json_object,
    table,
)

GROUPS = {"require": "main", "require-dev": "dev"}


def package(_path: str, text: str) -> Found:
    """Packages; what it needs of PHP itself (`php`, `ext-json`) is none. Raises Unreadable."""
    data, lines = json_object(text), Lines(text)
    found = Found(name=str(data.get("name") or ""))
    for key, group in GROUPS.items():
        for name, spec in table(data, key).items():
            if "/" in name:
                found.add(name, spec, group, lines.find(name, f'"{key}"'))
    return found


def locked(text: str) -> dict[str, set[str]]:
    """The versions of each name in composer.lock."""
    try:
        data = json_object(text)
    except Unreadable:
        return {}
    packages = array(data, "packages") + array(data, "packages-dev")
    return by_name((str(one.get("name")), one) for one in packages if isinstance(one, dict))
