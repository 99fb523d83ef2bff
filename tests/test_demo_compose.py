"""`make demo-compose`, as far as it decides anything. The whole of it is a walk: tests/deploy/test_demo_walk.py."""

import os
import stat
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from scripts.composed import certificates, forge, images, stack
from scripts.composed.place import (
    DEPLOY,
    PASSWORD,
    PORTS,
    PROJECT,
    Place,
    engine_socket,
    lay_out,
    of_environment,
    ports_for,
    project,
    settle,
)
from scripts.composed.stack import SERVICES
from seatrial.cli.errors import CommandError
from seatrial.dotenv import file as dotenv

IMAGES = {"TAG": "demo-0123456789ab", "GALLEY_BUS_IMAGE": "seatrial/stand-in-nats:2.15-alpine"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "demo")
    lay_out(place)
    certificates.make(place)
    return place


def test_it_lives_beside_the_other_demo() -> None:
    assert of_environment({"SEATRIAL_DATA_DIR": "/srv/sea"}).root == Path("/srv/sea-compose")
    assert of_environment({}).root.name == "seatrial-compose"


def test_ports_are_kept_and_those_of_others_are_left_alone() -> None:
    assert ports_for({}, lambda _: True) == {name: str(port) for name, port in PORTS.items()}
    taken = PORTS["APP_PORT"]
    assert int(ports_for({}, lambda port: port != taken)["APP_PORT"]) >= 20_000
    assert ports_for({"APP_PORT": "4711"}, lambda port: port != taken)["APP_PORT"] == "4711"


def test_two_folders_are_two_projects(tmp_path: Path) -> None:
    assert project(of_environment({})) == "seatrial-demo"
    assert project(Place(tmp_path / "one")) != project(Place(tmp_path / "two"))


def test_an_engine_of_another_machine_is_refused_with_what_to_type() -> None:
    assert engine_socket({}) == "/var/run/docker.sock"
    assert engine_socket({"DOCKER_HOST": "unix:///run/user/1000/docker.sock"}) == "/run/user/1000/docker.sock"
    with pytest.raises(CommandError, match=r"tcp://far:2375") as refused:
        engine_socket({"DOCKER_HOST": "tcp://far:2375"})
    assert refused.value.fix == "Run: unset DOCKER_HOST"


def test_a_second_start_keeps_keys_and_takes_the_new_images(place: Place) -> None:
    settle(place, IMAGES)
    first = place.values
    assert stat.S_IMODE(place.env.stat().st_mode) == 0o600
    assert first["SITE_URL"] == f"https://localhost:{first['GALLEY_HTTPS_PORT']}"
    assert first["GALLEY_PREVIEW_PORT"] == first["GALLEY_HTTPS_PORT"]
    assert first["GITGRIT_CUSTOM_CA_FILE_PATH"] == str(place.authority)
    settle(place, {"TAG": "demo-fedcba987654"})
    second = place.values
    assert second["TAG"] == "demo-fedcba987654"
    assert "GALLEY_BUS_IMAGE" not in second  # a registry answers now
    lasting = {
        "SECRET_KEY",
        "GALLEY_MASTER_KEY",
        "POSTGRES_PASSWORD",
        PASSWORD,
        "GALLEY_AGENT_TOKEN",
        PROJECT,
        *PORTS,
    }
    assert {name: second[name] for name in lasting} == {name: first[name] for name in lasting}


def test_nobody_else_looks_into_the_folder_and_the_authority_stays(place: Place) -> None:
    assert stat.S_IMODE(place.root.stat().st_mode) == 0o700
    before = place.authority.read_bytes()
    certificates.make(place)
    assert place.authority.read_bytes() == before


def test_a_shell_that_has_variables_of_its_own_changes_nothing() -> None:
    given = {"PATH": "/bin", "HOME": "/root", "TAG": "9.9", "SITE_URL": "https://elsewhere.test"}
    assert stack.environment(given) == {"PATH": "/bin", "HOME": "/root"}


def test_every_service_of_the_compose_file_has_words() -> None:
    read = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())
    assert set(SERVICES) == {name for name, one in read["services"].items() if "profiles" not in one}


@pytest.mark.parametrize(
    ("service", "state", "done"),
    [
        ("postgres", "healthy", True),
        ("postgres", "running", False),
        ("galley-certificate", "running", True),
        ("galley-certificate", "exited (1)", False),
        ("galley-setup", "exited (0)", True),
        ("bus", None, False),
    ],
)
def test_what_has_a_health_check_is_waited_for_until_it_is_healthy(
    service: str, state: str | None, done: bool
) -> None:
    assert stack.ready(service, state) is done


@pytest.mark.parametrize(
    ("states", "again"),
    [
        (["unhealthy", "created"], True),
        (["starting"], True),
        (["exited (1)", "created"], False),
        (["restarting"], False),
        ([], False),
    ],
)
def test_what_is_only_slow_is_waited_for_and_what_ended_is_told(states: list[str], again: bool) -> None:
    assert stack.may_come(states) is again


def test_every_image_that_is_named_must_be_there() -> None:
    assert set(images.names(IMAGES)) >= {"galley-server:demo-0123456789ab", IMAGES["GALLEY_BUS_IMAGE"]}


def test_a_code_host_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    site = forge.remembered(tmp_path)
    hosted = site.repositories[forge.SHOP]
    pull = site.open_pull(forge.SHOP, forge.BRANCH, author=forge.AUTHOR)
    forge.remember(tmp_path, site)
    again = forge.remembered(tmp_path)
    assert again.people == site.people
    assert again.repositories[forge.SHOP].pulls == {1: pull}
    assert again.repositories[forge.SHOP].path == hosted.path
    assert next(again.ids) > hosted.id
    assert next(again.repositories[forge.SHOP].numbers) == 2


def test_one_that_was_killed_before_it_kept_anything_begins_again(tmp_path: Path) -> None:
    first = forge.remembered(tmp_path)
    again = forge.remembered(tmp_path)
    assert again.people.keys() == first.people.keys()
    assert forge.SHOP in again.repositories


def test_a_process_that_has_its_number_now_is_not_taken_for_it() -> None:
    known = forge.Known(pid=os.getpid(), began=1.0, host="127.0.0.1", url="https://127.0.0.1:1", token="t")
    assert known.process() is None


def test_what_is_written_is_what_compose_reads(place: Place) -> None:
    settle(place, IMAGES)
    assert dotenv.read(place.env).repeated == ()
