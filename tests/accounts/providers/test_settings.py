"""What operators write, and what becomes of it."""

from typing import Any

import pytest

from seatrial.control.accounts.providers.configured import incomplete, providers
from seatrial.control.configuration import Configuration, read_configuration
from seatrial.control.listed import Listed, RoleRule, Source
from tests.accounts.providers.conftest import Configure

KINDS = ["GITHUB", "GITLAB", "GITEA", "GOOGLE"]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """No database here."""


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch):
    def reading(**variables: str) -> Configuration:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return read_configuration()

    return reading


def enabled(configuration: Configuration) -> list[str]:
    return [one.kind.upper() for one in providers(configuration) if one.enabled]


@pytest.mark.parametrize("kind", KINDS)
def test_a_switch_is_exactly_true_or_false(read: Any, kind: str) -> None:
    name = f"AUTH_PROVIDER_{kind}_ENABLED"
    assert enabled(read(**{name: "True"})) == [kind]
    assert enabled(read(**{name: "False"})) == []
    for wrong in ("true", "TRUE", "1", "yes", "on", "false", "0", "Truee"):
        with pytest.raises(SystemExit, match=rf"^{name}: .*write True or False, in exactly these letters$"):
            read(**{name: wrong})


def test_a_second_factor_is_required_by_exactly_true(read: Any) -> None:
    assert read(AUTH_REQUIRE_SECOND_FACTOR="True").auth_require_second_factor is True
    with pytest.raises(SystemExit, match="AUTH_REQUIRE_SECOND_FACTOR: "):
        read(AUTH_REQUIRE_SECOND_FACTOR="yes")


def test_without_a_word_what_is_set_up_is_on(read: Any) -> None:
    assert enabled(read()) == []
    for kind in KINDS:
        read(**{f"{kind}_CLIENT_ID": "a", f"{kind}_CLIENT_SECRET": "b"})
    assert enabled(read()) == ["GITHUB", "GITLAB", "GOOGLE"], "Gitea has no address yet"
    assert enabled(read(GITEA_URL="https://git.example.com")) == ["GITHUB", "GITLAB", "GITEA", "GOOGLE"]
    assert enabled(read(AUTH_PROVIDER_GOOGLE_ENABLED="False")) == ["GITHUB", "GITLAB", "GITEA"]


def test_in_an_air_gap_only_gitlab_is_on_and_never_the_one_outside(read: Any) -> None:
    for kind in KINDS:
        read(**{f"{kind}_CLIENT_ID": "a", f"{kind}_CLIENT_SECRET": "b"})
    closed = read(AIRGAPPED="True", SITE_URL="https://seatrial.internal")
    assert enabled(closed) == ["GITLAB"]
    gitlab = next(one for one in providers(closed) if one.enabled)
    assert gitlab.missing == ("GITLAB_URL",) and not gitlab.usable
    inside = read(GITLAB_URL="https://gitlab.internal/")
    assert [one.url for one in providers(inside) if one.usable] == ["https://gitlab.internal"]
    assert enabled(read(AUTH_PROVIDER_GITLAB_ENABLED="False")) == []


def test_a_provider_that_lacks_something_says_what(configure: Configure) -> None:
    configure(auth_provider_gitlab_enabled=True, gitlab_client_id="a")
    (said,) = incomplete()
    assert "GITLAB_CLIENT_SECRET" in said and "AUTH_PROVIDER_GITLAB_ENABLED=False" in said
    assert "GITLAB_CLIENT_ID" not in said


def test_a_client_secret_may_come_from_a_file(read: Any, tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("of-the-file\n")
    configuration = read(GITLAB_CLIENT_SECRET_FILE=str(tmp_path / "secret"), GITLAB_CLIENT_ID="a")
    gitlab = next(one for one in providers(configuration) if one.kind == "gitlab")
    assert gitlab.client_secret == "of-the-file" and "of-the-file" not in repr(gitlab) + repr(configuration)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("https://git.example.com/", "https://git.example.com"),
        ("https://example.com/gitlab/", "https://example.com/gitlab"),
        ("http://git.internal:8080", "http://git.internal:8080"),
    ],
)
def test_an_address_has_no_slash_at_its_end(read: Any, text: str, kept: str) -> None:
    assert read(GITLAB_URL=text).gitlab_url == kept


@pytest.mark.parametrize(
    "text",
    [
        "git.example.com",
        "https://me:secret@git.example.com",
        "https://a.test/?b=c",
        "ftp://a.test",
        "https://a.test/#b",
    ],
)
def test_an_address_that_is_none_is_named_without_its_value(read: Any, text: str) -> None:
    with pytest.raises(
        SystemExit, match=r"^GITLAB_URL: .*write it like https://git\.example\.com, "
    ) as caught:
        read(GITLAB_URL=text)
    assert "secret" not in str(caught.value)


def test_lists_are_read_as_people_write_them(read: Any) -> None:
    configuration = read(
        AUTH_ALLOWED_DOMAINS=" Example.com, @example.org ,",
        AUTH_ALLOWED_ORGANISATIONS="github:Acme,gitea:acme",
        AUTH_ALLOWED_GROUPS="Acme/Platform, gitlab:acme/*",
    )
    assert set(map(str, configuration.allowed)) == {
        "@example.com", "@example.org", "github:acme", "gitea:acme", "gitlab:acme/platform", "gitlab:acme/*",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "like"),
    [
        ("AUTH_ALLOWED_DOMAINS", "localhost", "example.com"),
        ("AUTH_ALLOWED_DOMAINS", "*", "example.com"),
        ("AUTH_ALLOWED_DOMAINS", "*.example.com", "example.com"),
        ("AUTH_ALLOWED_DOMAINS", "jane@example.com", "example.com"),
        ("AUTH_ALLOWED_ORGANISATIONS", "acme", "github:acme or gitea:acme"),
        ("AUTH_ALLOWED_ORGANISATIONS", "gitlab:acme", "github:acme or gitea:acme"),
        ("AUTH_ALLOWED_ORGANISATIONS", "github:*", "github:acme or gitea:acme"),
        ("AUTH_ALLOWED_GROUPS", "*", "acme/platform"),
        ("AUTH_ALLOWED_GROUPS", "/acme", "acme/platform"),
        ("AUTH_ALLOWED_GROUPS", "acme/*/core", "acme/platform"),
        ("AUTH_ALLOWED_GROUPS", "github:acme", "acme/platform"),
        ("AUTH_ROLE_MAP", "github:acme", "gitlab:acme/platform#maintainer=default:admin"),
        ("AUTH_ROLE_MAP", "github:acme=default:king", "with one of the roles"),
        ("AUTH_ROLE_MAP", "github:acme=developer", "with the slug"),
        ("AUTH_ROLE_MAP", "github:acme#maintainer=default:admin", "member or admin"),
        ("AUTH_ROLE_MAP", "acme=default:admin", "gitlab:acme/platform#maintainer"),
        ("AUTH_ROLE_MAP", "@nowhere=default:admin", "no e-mail domain"),
    ],
)
def test_an_entry_that_lets_in_nobody_or_everybody_is_refused(
    read: Any, name: str, text: str, like: str
) -> None:
    with pytest.raises(SystemExit, match=rf"^{name}: ") as caught:
        read(**{name: text})
    assert like in str(caught.value)


def test_the_role_map_is_read(read: Any) -> None:
    text = "gitlab:Acme/Platform#Maintainer=default:admin, github:acme=Team-1:viewer, @example.com=default:viewer"
    assert read(AUTH_ROLE_MAP=text).role_rules == (
        RoleRule(Listed(Source.GITLAB, "acme/platform"), "maintainer", "default", "admin"),
        RoleRule(Listed(Source.GITHUB, "acme"), "member", "Team-1", "viewer"),
        RoleRule(Listed(Source.EMAIL, "example.com"), "member", "default", "viewer"),
    )


@pytest.mark.parametrize("hours", ["0", "721", "never"])
def test_a_session_without_an_end_is_refused(read: Any, hours: str) -> None:
    with pytest.raises(SystemExit, match="AUTH_SESSION_HOURS: "):
        read(AUTH_SESSION_HOURS=hours)
