"""`seatrial recipe`: what is detected for a checkout, shown or written."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests import repositories
from tests.cli.conftest import git
from tests.detection.examples import EXAMPLES, plan


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return repositories.repository(tmp_path / "dinghy", dict(EXAMPLES["flask-pip"]))


def test_it_shows_the_dockerfile_and_writes_nothing(cli: Any, checkout: Path) -> None:
    code, out, err = cli("recipe", str(checkout))
    assert (code, err) == (0, "")
    assert out.startswith(plan(EXAMPLES["flask-pip"]).dockerfile) and "recipe --write" in out
    assert not (checkout / "Dockerfile").exists()


def test_json_says_why(cli: Any, checkout: Path) -> None:
    code, out, _ = cli("recipe", str(checkout), "--json")
    found = plan(EXAMPLES["flask-pip"])
    assert code == 0 and json.loads(out) == {
        "path": str(checkout),
        "recipe": None,
        "title": "Python with Flask",
        "port": 8080,
        "reasons": [{"file": one.file, "says": one.says} for one in found.reasons],
        "dockerfile": found.dockerfile,
        "written": None,
    }


def test_it_writes_it_once_and_never_over_another(cli: Any, checkout: Path) -> None:
    code, out, _ = cli("recipe", str(checkout), "--write", "--json")
    assert code == 0 and json.loads(out)["written"] == str(checkout / "Dockerfile")
    assert (checkout / "Dockerfile").read_text() == plan(EXAMPLES["flask-pip"]).dockerfile
    (checkout / "Dockerfile").write_text("FROM mine\n")
    code, _, err = cli("recipe", str(checkout), "--write")
    assert code == 2 and "exists, and nothing was written" in err
    assert (checkout / "Dockerfile").read_text() == "FROM mine\n"


def test_a_link_in_its_place_is_not_followed(cli: Any, checkout: Path) -> None:
    (checkout / "Dockerfile").symlink_to("elsewhere")
    assert cli("recipe", str(checkout), "--write")[0] == 2
    assert not (checkout / "elsewhere").exists()


def test_a_recipe_that_is_there_is_named(cli: Any, checkout: Path) -> None:
    (checkout / "galley.yml").write_text("version: 1\n")
    git(checkout, "add", ".")
    code, out, _ = cli("recipe", str(checkout))
    assert code == 0 and "galley.yml is this repository's recipe" in out
    assert json.loads(cli("recipe", str(checkout), "--json")[1])["recipe"] == "galley.yml"
    code, _, err = cli("recipe", str(checkout), "--write")
    assert code == 2 and "has a recipe: galley.yml" in err
    assert not (checkout / "Dockerfile").exists()


def test_only_what_git_tracks_counts(cli: Any, checkout: Path) -> None:
    (checkout / "go.mod").write_text("module x\n")
    (checkout / "main.go").write_text("package main\n")
    assert "Python with Flask" in cli("recipe", str(checkout))[1]


def test_what_cannot_be_read_says_nothing(cli: Any, checkout: Path) -> None:
    (checkout / "app.py").unlink()
    os.mkfifo(checkout / "app.py")
    (checkout / "requirements.txt").unlink()
    (checkout / "requirements.txt").symlink_to("/dev/zero")
    code, _, err = cli("recipe", str(checkout))
    assert code == 1 and "requirements.txt is there, but names no web framework" in err


def test_nothing_detected_is_an_error_with_its_word(cli: Any, tmp_path: Path) -> None:
    bare = repositories.repository(tmp_path / "raft", {"README": "x"})
    code, out, err = cli("recipe", str(bare), "--json")
    assert code == 1 and json.loads(out)["error"]["code"] == "no_recipe" and err
    code, _, err = cli("recipe", str(tmp_path / "nowhere"))
    assert code == 2 and "is not a directory" in err


def test_a_file_that_cannot_be_written_is_told(
    cli: Any, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr("seatrial.cli.recipe._read", lambda file: EXAMPLES["flask-pip"][file.name].encode())
    code, _, err = cli("recipe", str(checkout), "--write")
    assert code == 2 and "cannot be written: Permission denied." in err
