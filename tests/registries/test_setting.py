"""Registry logins: what may be one, whose counts, and that nobody reads a password."""

import pytest
from django.db import connection

from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.projects.models import Tier
from seatrial.control.registries import entries, setting
from seatrial.control.registries.entries import Entry, registry_named
from seatrial.control.registries.errors import (
    BadRegistryLogin,
    NoRegistryLogin,
    TooManyRegistryLogins,
)
from seatrial.control.registries.models import RegistryLogin
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ALICE = Actor.person("alice")
HOST = "registry.test"


def login(password: str = "hunter22", registry: str = HOST, tier: str = "trusted") -> Entry:
    return Entry(registry, "robot", password, tier)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("registry.test", "registry.test"),
        (" Registry.TEST:5000 ", "registry.test:5000"),
        ("registry.test/", "registry.test"),
        ("localhost:5000", "localhost:5000"),
        ("localhost", "localhost"),
        ("store:5000", "store:5000"),
        ("10.0.0.7:5000", "10.0.0.7:5000"),
        ("docker.io", "docker.io"),
        ("index.docker.io/v1/", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
    ],
)
def test_a_registry_is_named_as_images_name_it(written: str, named: str) -> None:
    assert registry_named(written) == named


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("https://registry.test", "is an address"),
        ("http://registry.test/v2/", "is an address"),
        ("registry.test/team", "a login is for a whole registry"),
        ("registry", "neither a dot nor a port"),
        ("", "is not a registry"),
        ("registry.test:", "is not a registry"),
        ("registry.test:0", "is not a registry"),
        ("registry.test:70000", "is not a registry"),
        ("registry.test:https", "is not a registry"),
        ("[::1]:5000", "is not a registry"),
        ("300.1.2.3", "is not a registry"),
        ("-a.test", "is not a registry"),
        ("re gistry.test", "is not a registry"),
        ("robot:hunter22@registry.test", "is not a registry"),
        ("régistry.test", "is not a registry"),
        (f"{'a' * 64}.test", "is not a registry"),
        ("a.test\n", ""),
    ],
)
def test_what_is_no_registry_is_refused_with_the_fix(written: str, why: str) -> None:
    if not why:
        assert registry_named(written) == written.strip()
        return
    with pytest.raises(BadRegistryLogin, match=why) as refused:
        registry_named(written)
    assert "registry.example.com:5000" in str(refused.value) and refused.value.field == "registry"


@pytest.mark.parametrize(
    ("entry", "field", "why"),
    [
        (Entry(HOST, "", "hunter22"), "username", "is empty"),
        (Entry(HOST, "a:b", "hunter22"), "username", "holds no colon"),
        (Entry(HOST, "robot", ""), "password", "is empty"),
        (Entry(HOST, "robot", "hunter22\n"), "password", "a line break"),
        (Entry(HOST, "ro\0bot", "hunter22"), "username", "control character"),
        (Entry(HOST, "robot", "h" * 10_001), "password", "at most 10,000"),
        (Entry(HOST, "robot", "hunter22", "all"), "tier", "there is: trusted, forks"),
    ],
)
def test_what_is_no_login_is_refused_and_no_password_is_quoted(entry: Entry, field: str, why: str) -> None:
    with pytest.raises(BadRegistryLogin, match=why) as refused:
        setting.put(factories.project(factories.workspace()), entry, by=ALICE)
    assert refused.value.field == field and "hunter" not in str(refused.value) + repr(entry)
    assert (
        not RegistryLogin.objects.exists()
        and not AuditEntry.objects.filter(action__startswith="reg").exists()
    )


def test_another_password_is_another_login_and_the_same_is_none() -> None:
    project = factories.project(factories.workspace())
    first = setting.put(project, login(), by=ALICE)
    assert setting.put(project, login(), by=ALICE).pk == first.pk
    second = setting.put(project, login("hunter33"), by=ALICE)
    assert second.pk != first.pk and [row.pk for row in setting.current(project)] == [second.pk]
    setting.remove(project, "Registry.test", "trusted", by=ALICE)
    with pytest.raises(NoRegistryLogin, match=r"No login for registry\.test is set here for trusted"):
        setting.remove(project, HOST, "trusted", by=ALICE)
    told = list(AuditEntry.objects.filter(action__startswith="registry_login").order_by("pk"))
    assert [one.action.partition(".")[2] for one in told] == ["set", "replaced", "removed"]
    assert {one.actor for one in told} == {"alice"} and "hunter" not in str([one.details for one in told])


def test_the_projects_own_wins_and_each_tier_has_its_own() -> None:
    project = factories.project(factories.workspace())
    other = factories.project(project.workspace, "other")
    whole = setting.put(project.workspace, login("of-all"), by=ALICE)
    hub = setting.put(project.workspace, login("of-hub", "index.docker.io"), by=ALICE)
    own = setting.put(project, login("of-one"), by=ALICE)
    fork = setting.put(project, login("of-forks", tier="forks"), by=ALICE)
    stranger = factories.project(factories.workspace("elsewhere"), "elsewhere")

    def ids(project: object, tier: Tier = Tier.TRUSTED) -> dict[str, str]:
        return {name: row.pk for name, row in setting.given(project, tier).items()}  # type: ignore[arg-type]

    assert ids(project) == {HOST: own.pk, "docker.io": hub.pk}
    assert ids(project, Tier.FORKS) == {HOST: fork.pk}
    assert ids(other) == {HOST: whole.pk, "docker.io": hub.pk}
    assert ids(other, Tier.FORKS) == ids(stranger) == {}
    told = [(one.row.registry, one.row.tier, one.inherited, one.overridden) for one in setting.shown(project)]
    assert told == [
        (HOST, "trusted", False, False),
        (HOST, "forks", False, False),
        ("docker.io", "trusted", True, False),
        (HOST, "trusted", True, True),
    ]


def test_the_database_has_no_password_in_clear() -> None:
    setting.put(factories.project(factories.workspace()), login(), by=ALICE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_json(registries_registrylogin)::text FROM registries_registrylogin")
        (text,) = cursor.fetchone()
    assert "robot" in text and "hunter22" not in text


def test_there_is_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting, "MOST_LOGINS", 1)
    assert entries.MOST_LOGINS > 1
    project = factories.project(factories.workspace())
    setting.put(project, login(), by=ALICE)
    setting.put(project, login("hunter33"), by=ALICE)
    with pytest.raises(TooManyRegistryLogins, match="Remove one first"):
        setting.put(project, login(registry="two.test"), by=ALICE)
    assert [row.password for row in setting.current(project)] == ["hunter33"]
