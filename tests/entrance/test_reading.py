"""Whoever may read the repository at its code host may open its previews, with the account that they sign in with."""

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.cache import cache
from pydantic import SecretStr

from seatrial.control.entrance import reading
from seatrial.control.forges.connected import OF_WEB
from seatrial.control.forges.errors import ForgeError
from tests import factories
from tests.entrance.visits import knock, members
from tests.entrance.walking import entered
from tests.previews.scenario import Scenario

pytestmark = pytest.mark.django_db
URL = "https://git.example.com"


class AtForge:
    """A code host that knows who reads."""

    def __init__(self) -> None:
        self.readers = {"ann"}
        self.asked: list[str] = []
        self.away = False

    def may_read(self, project: Any, login: str) -> bool:
        self.asked.append(login)
        if self.away:
            raise ForgeError("it does not answer")
        return login in self.readers


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[AtForge]:
    forge = AtForge()
    monkeypatch.setattr(OF_WEB, "hosted", lambda _: forge)
    news = {
        "auth_provider_gitea_enabled": True,
        "gitea_url": URL,
        "gitea_client_id": "x",
        "gitea_client_secret": SecretStr("y"),
    }
    monkeypatch.setattr(settings, "CONFIGURATION", settings.CONFIGURATION.model_copy(update=news))
    yield forge
    cache.clear()


@pytest.fixture
def scenario() -> Scenario:
    scenario = members()
    connection = scenario.project.connection
    connection.forge, connection.base_url = "gitea", URL
    connection.save()
    return scenario


def signed_in(login: str, provider: str = "gitea") -> Any:
    """Somebody in no workspace, who signs in with this account."""
    user = factories.user(f"{login}-here")
    SocialAccount.objects.create(
        user=user, provider=provider, uid=f"{provider}-{login}", extra_data={"login": login}
    )
    return user


def test_a_reader_opens_every_host_and_is_asked_about_once(scenario: Scenario, forge: AtForge) -> None:
    end, jar = entered(scenario.environment, signed_in("ann"))
    assert end.endswith("/cart?x=1")
    for host, cookie in jar.items():
        assert knock(scenario.environment, label=host, Cookie=cookie).status_code == 200
    assert forge.asked == ["ann"]
    forge.readers.clear()
    cache.clear()  # ten minutes later
    assert knock(scenario.environment, Cookie=jar["pr-1-shop"]).status_code == 401


def test_others_and_accounts_of_other_code_hosts_are_not_let_in(
    scenario: Scenario, forge: AtForge, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not reading.may_look(signed_in("eve"), scenario.environment)
    assert not reading.may_look(signed_in("ann", provider="github"), scenario.environment)
    assert not reading.may_look(factories.user("ann"), scenario.environment), (
        "a name here is no account there"
    )
    elsewhere = settings.CONFIGURATION.model_copy(update={"gitea_url": "https://git.elsewhere.example"})
    monkeypatch.setattr(settings, "CONFIGURATION", elsewhere)
    assert not reading.may_look(signed_in("bea"), scenario.environment)
    assert forge.asked == ["eve"]


def test_nobody_is_let_in_by_a_code_host_that_does_not_answer(scenario: Scenario, forge: AtForge) -> None:
    forge.away = True
    ann = signed_in("ann")
    assert not reading.may_look(ann, scenario.environment)
    forge.away = False
    assert reading.may_look(ann, scenario.environment), "it is not remembered"
    ann.is_active = False
    assert not reading.may_look(ann, scenario.environment)
