"""PHP: composer.json."""

from seatrial.agent.sandboxes.documents.manifests.shape import (
    Found,
    Lines,
    Unreadable,
    array,
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


def locked(text: str) -> set[str]:
    """The names in composer.lock."""
    try:
        data = json_object(text)
    except Unreadable:
        return set()
    packages = array(data, "packages") + array(data, "packages-dev")
    return {str(one.get("name")) for one in packages if isinstance(one, dict)}
