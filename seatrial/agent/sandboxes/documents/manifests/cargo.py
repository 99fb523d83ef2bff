"""Rust: Cargo.toml."""

import tomllib
from typing import Any

from seatrial.agent.sandboxes.documents.manifests.shape import Found, Lines, array, by_name, table, toml

GROUPS = {"dependencies": "main", "dev-dependencies": "dev", "build-dependencies": "build"}


def crate(_path: str, text: str) -> Found:
    """Its own tables, those of its targets, and the workspace's. Raises Unreadable."""
    data, lines = toml(text), Lines(text)
    found = Found(name=str(table(data, "package").get("name") or ""))
    holders = [
        data,
        table(data, "workspace"),
        *(table(data, "target", name) for name in table(data, "target")),
    ]
    for holder in holders:
        for key, group in GROUPS.items():
            for name, spec in table(holder, key).items():
                given = spec if isinstance(spec, dict) else {}
                found.add(given.get("package", name), _spec(spec), group, lines.find(name, f"{key}"))
    return found


def _spec(spec: Any) -> str:
    if not isinstance(spec, dict):
        return str(spec)
    if "git" in spec:
        pin = next((f" {key} {spec[key]}" for key in ("rev", "tag", "branch") if key in spec), "")
        return f"git {spec['git']}{pin}"
    return str(
        spec.get("version") or ("workspace" if spec.get("workspace") else f"path {spec.get('path', '')}")
    )


def locked(text: str) -> dict[str, set[str]]:
    """The versions of each name in Cargo.lock."""
    try:
        packages = array(tomllib.loads(text), "package")
    except (tomllib.TOMLDecodeError, RecursionError, ValueError):
        return {}
    return by_name((str(one.get("name")), one) for one in packages if isinstance(one, dict))
