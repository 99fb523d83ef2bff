"""The data of a preview: seeded once, reset, saved, and copied into the next preview."""

import json
from pathlib import Path
from typing import Any

import pytest

from e2e.platform import Platform, docker, eventually, leftovers
from e2e.repositories import commit, git, static

pytestmark = pytest.mark.e2e

COMPOSE = """services:
  web:
    build: .
    ports: ["8080:8080"]
    volumes: ["files:/www"]
    x-galley-migrate: ["/bin/busybox", "sh", "-c", "echo step >> /www/schema"]
    x-galley-seed: ["/bin/busybox", "sh", "-c", "echo seeded > /www/index.html; echo sown"]
volumes: {files: {}}
"""


def previewed(platform: Platform, path: Path, branch: str) -> dict[str, Any]:
    return dict(platform.json("preview", str(path), "--branch", branch))


def page(platform: Platform, environment: dict[str, Any]) -> str:
    return platform.fetch(environment["urls"]["web"]).text


def write(environment: dict[str, Any], text: str) -> None:
    """As a visitor would, by the application."""
    filters = [f"label=galley.environment={environment['id']}", "label=galley.service=web", "status=running"]
    (web,) = docker("ps", "-q", *(word for one in filters for word in ("--filter", one)))
    docker("exec", web, "/bin/busybox", "sh", "-c", f"echo {text} > /www/index.html")


def test_seeded_once_reset_saved_and_copied_into_the_next_preview(platform: Platform, home: Path) -> None:
    path = static(home / "granary", **{"compose.yaml": COMPOSE})
    first = previewed(platform, path, "feature")
    assert page(platform, first) == "seeded\n"
    names = [phase["name"] for phase in first["deployment"]["phases"]]
    assert {"migrate web", "seed web"} <= set(names)

    write(first, "visited")
    commit(path, {"README": "two"})
    pushed = previewed(platform, path, "feature")
    assert page(platform, pushed) == "visited\n", "no push seeds again"
    assert platform.fetch(f"{pushed['urls']['web']}/schema").text == "step\nstep\n"

    platform.json("reset-data", first["name"])
    eventually(
        lambda: platform.fetch(f"{first['urls']['web']}/schema").text == "step\n",
        what="it begins anew",
    )
    assert page(platform, first) == "seeded\n"

    write(first, "worth keeping")
    snapshot = platform.json("save-data", first["name"])

    def state() -> str:
        rows = json.loads(platform.run("snapshots", "granary", "--json").stdout)
        return next(f"{row['state']}{row['problem']}" for row in rows if row["id"] == snapshot["id"])

    eventually(lambda: state() != "saving", what="the data is saved")
    assert state() == "saved"
    assert page(platform, first) == "worth keeping\n", "it goes on after the pause"

    git(path, "branch", "other")
    second = previewed(platform, path, "other")
    assert page(platform, second) == "worth keeping\n"
    names = [phase["name"] for phase in second["deployment"]["phases"]]
    assert "clone" in names and "seed web" not in names
    assert platform.fetch(f"{second['urls']['web']}/schema").text == "step\nstep\n"

    platform.json("remove-snapshot", snapshot["id"])
    for branch in ("feature", "other"):
        assert platform.run("close", str(path), "--branch", branch).returncode == 0
    for gone in (first["id"], second["id"], snapshot["id"]):
        eventually(
            lambda gone=gone: not leftovers(platform.agent_id(), environment=gone), what="no trace is left"
        )
