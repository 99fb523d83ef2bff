"""The Dockerfiles that common repositories become, whole: `golden` is what a person is to read."""

import json
import re
from pathlib import Path

import pytest

from seatrial.agent.recipes.compose.sources import FILES
from seatrial.agent.recipes.dockerfile import Dockerfile, read_dockerfile, words
from seatrial.agent.recipes.recipe import GALLEY_FILES
from seatrial.agent.vocabulary.image_names import is_image_name
from seatrial.detection import PORT, RECIPES
from tests.detection.examples import EXAMPLES, plan

GOLDEN = Path(__file__).parent / "golden"
OWN_COMMAND = {"php", "static", "vite-yarn"}  # their images know how to start


def dockerfile(example: str) -> Dockerfile:
    return read_dockerfile("Dockerfile", plan(EXAMPLES[example]).dockerfile.encode())


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_becomes_its_dockerfile(example: str) -> None:
    assert plan(EXAMPLES[example]).dockerfile == (GOLDEN / f"{example}.Dockerfile").read_text()


def test_there_is_no_other_golden_file() -> None:
    assert {path.name.removesuffix(".Dockerfile") for path in GOLDEN.iterdir()} == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_builder_can_build_it(example: str) -> None:
    text = plan(EXAMPLES[example]).dockerfile
    assert "<<" not in text and "--mount" not in text, "Debian 12's buildah knows no heredoc"
    assert all(is_image_name(image) for image in dockerfile(example).external_images())


@pytest.mark.parametrize("example", EXAMPLES)
def test_it_runs_without_rights_and_knows_its_port(example: str) -> None:
    made, found = dockerfile(example), plan(EXAMPLES[example])
    assert made.last("USER") not in {None, "root", "0"}
    assert f"PORT={PORT}" in " ".join(
        text for keyword, text in made.stages[-1].instructions if keyword == "ENV"
    )
    assert made.exposed_ports() == ([found.port] if found.port else [])
    command = words(made.last("CMD"))
    assert (command is None) == (example in OWN_COMMAND)
    if found.port and command and found.framework != "Laravel":
        assert "$PORT" in command[-1], "what is EXPOSEd is what it is told to listen on"


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_file_that_decided_is_named_and_is_there(example: str) -> None:
    found = plan(EXAMPLES[example])
    assert found.reasons
    for reason in found.reasons:
        assert any(path == reason.file or path.startswith(f"{reason.file}/") for path in EXAMPLES[example])
        assert f"# - {reason.file}: {reason.says}" in found.dockerfile


@pytest.mark.parametrize("example", EXAMPLES)
def test_what_is_installed_is_kept_until_its_lists_change(example: str) -> None:
    """Lists are copied before the rest, unless installing needs all files."""
    text = plan(EXAMPLES[example]).dockerfile
    installs = re.search(
        r"RUN .*(install|sync|download|ci\b).*(-r requirements|frozen|only main|sync|bundle|ci$|download|no-autoloader)",
        text,
    )
    if installs and example not in {"procfile", "bun-workspaces"}:
        assert not re.search(r"^COPY (--chown=\S+ )?\. \.", text[: installs.start()], re.MULTILINE)


def test_the_command_and_the_agent_know_the_same_recipes() -> None:
    assert (*GALLEY_FILES, *FILES, "Dockerfile") == RECIPES


def test_a_plan_is_plain_data() -> None:
    assert json.loads(json.dumps(plan(EXAMPLES["go"]).reasons))[0] == ["go.mod", "a Go module"]
