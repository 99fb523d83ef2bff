"""Which logins of the operator's file a pull gets, and what is said of a file of no use."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from seatrial.agent.builds.references import HUB
from seatrial.agent.builds.registries.logins import Logins
from seatrial.agent.vocabulary.errors import BuilderFailed
from seatrial.wire.registries import RegistryLogin

SECRET = "of-the-token"


def login(password: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"robot:{password}".encode()).decode()}


def logins(folder: Path, content: Any) -> Logins:
    file = folder / "auth.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return Logins(file)


def test_a_pull_gets_the_login_of_its_registry_and_no_other(tmp_path: Path) -> None:
    entries = {
        "one.test:5000": login("1"), "two.test": login("2"), "https://index.docker.io/v1/": login("3"),
        "https://four.test:443/v2/": login("4"), "two.test/team": login("5"),
    }  # fmt: skip
    known = logins(tmp_path, {"auths": entries, "HttpHeaders": {"x": "y"}})

    def given(*registries: str) -> set[str]:
        text = known.of(registries)
        return set(json.loads(text)["auths"]) if text else set()

    assert given("one.test:5000") == {"one.test:5000"}
    assert given("two.test") == {"two.test", "two.test/team"}
    assert given(HUB) == {"https://index.docker.io/v1/"}
    assert given(HUB, "four.test:443") == {"https://index.docker.io/v1/", "https://four.test:443/v2/"}
    assert given("one.test") == given("three.test") == set()
    assert Logins().of(["one.test"]) == ""


def test_a_projects_login_goes_before_the_operators(tmp_path: Path) -> None:
    entries = {"one.test": login("1"), "https://index.docker.io/v1/": login("2"), "mirror.test": login("3")}
    known = logins(tmp_path, {"auths": entries})

    def given(registry: str, *asked: str) -> dict[str, Any]:
        own = RegistryLogin(id="01", registry=registry, username="robot", password="own")
        auths: dict[str, Any] = json.loads(known.of(asked, own))["auths"]
        return auths

    assert given("one.test", "one.test") == {"one.test": login("own")}
    assert given("docker.io", HUB, "mirror.test") == {"docker.io": login("own"), "mirror.test": login("3")}
    own = RegistryLogin(id="01", registry="new.test", username="robot", password="own")
    assert json.loads(Logins().of(["new.test"], own)) == {"auths": {"new.test": login("own")}}


def test_it_is_read_for_every_pull(tmp_path: Path) -> None:
    known = logins(tmp_path, {"auths": {}})
    assert known.of(["one.test"]) == ""
    logins(tmp_path, {"auths": {"one.test": login()}})
    assert "one.test" in known.of(["one.test"])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{not json " + SECRET, "it is not JSON"),
        ("[]", "it has no auths"),
        ({"auths": []}, "it has no auths"),
        ({"credsStore": "desktop"}, "it leaves logins to credsStore"),
        ({"auths": {"one.test": {}}}, "auths.one.test holds no user name and password"),
        ({"auths": {"one.test": SECRET}}, "holds no user name"),
        ({"auths": {"one.test": {"auth": "no base64"}}}, "holds no user name"),
        ({"auths": {"one.test": {"auth": base64.b64encode(SECRET.encode()).decode()}}}, "holds no user name"),
        ({"auths": {"one.test": {"identitytoken": SECRET}}}, "holds no user name"),
    ],
)
def test_what_is_wrong_with_the_file_is_said_without_what_is_in_it(
    tmp_path: Path, content: Any, told: str
) -> None:
    with pytest.raises(BuilderFailed, match=told) as error:
        logins(tmp_path, content).of(["one.test"])
    said = str(error.value)
    assert said.startswith("GALLEY_REGISTRY_AUTH_FILE: ") and "auths" in said and SECRET not in said


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BuilderFailed, match=r"gone\.json cannot be read by the agent \(No such file"):
        Logins(tmp_path / "gone.json").of(["one.test"])
