"""Who gets in, by what they show: the wrong ones stay out, and the preview sees nothing of what opened the gate."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import Membership
from seatrial.control.audit.models import AuditEntry
from seatrial.control.entrance import attempts, bypass, guests, passes, rules
from seatrial.control.entrance.errors import BadLink, NoGuests, NoToken
from seatrial.control.entrance.models import GuestLink
from seatrial.control.previews.route_document import Document
from seatrial.control.projects.models import Gate
from tests import factories
from tests.entrance.visits import ALICE, DOMAIN, PASSWORD, basic, colleague, knock, login, members, preview
from tests.entrance.walking import PAGE, entered, through

pytestmark = pytest.mark.django_db


def test_without_a_gate_everybody_gets_in() -> None:
    answer = knock(preview().environment, Authorization="Bearer mine", Cookie="a=1")
    assert answer.status_code == 200
    assert (answer["Authorization"], answer["Cookie"]) == ("Bearer mine", "a=1")


@pytest.mark.parametrize("label", ["", "api-pr-1-shop"])
def test_basic_auth_lets_in_who_knows_the_password_at_every_host(label: str) -> None:
    environment = basic().environment
    refused = knock(environment, label=label, Authorization=login("wrong password"))
    assert refused.status_code == 401 and refused["WWW-Authenticate"].startswith('Basic realm="pr-1-shop"')
    assert knock(environment, label=label).status_code == 401
    assert knock(environment, label=label, Authorization=login(username="crew2")).status_code == 401
    assert knock(environment, label=label, Authorization="Basic !").status_code == 401
    let_in = knock(environment, label=label, Authorization=login())
    assert let_in.status_code == 200 and "Authorization" not in let_in, (
        "the application does not see the password"
    )


def test_a_browser_enters_the_password_once_for_all_hosts() -> None:
    scenario = basic()
    environment = scenario.environment
    end, jar = through(environment, knock(environment, "/cart?x=1", Authorization=login(), **PAGE))
    assert end == f"http://pr-1-shop.{DOMAIN}/cart?x=1"
    assert set(jar) == {"pr-1-shop", "api-pr-1-shop"}
    for host, cookie in jar.items():
        answer = knock(environment, label=host, Cookie=f"theirs=1; {cookie}; b=2")
        assert answer.status_code == 200 and answer["Cookie"] == "theirs=1; b=2"
    rules.decide(scenario.project, mode="basic", username="crew", password="another one", by=ALICE)
    rules.apply(scenario.project, by=ALICE)
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 401, "it was for the old password"


def test_wrong_passwords_are_counted_and_right_ones_still_get_in(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = basic().environment
    assert knock(environment, Authorization=login()).status_code == 200
    monkeypatch.setattr(attempts, "MOST_WRONG", 2)
    for _ in range(2):
        assert knock(environment, ip="198.51.100.1", Authorization=login("a wrong one")).status_code == 401
    limited = knock(environment, ip="198.51.100.1", Authorization=login("yet another"))
    assert limited.status_code == 429 and limited["Retry-After"] == "60"
    assert knock(environment, ip="198.51.100.1", Authorization=login()).status_code == 200, (
        "known to be right"
    )
    assert knock(environment, ip="198.51.100.2", Authorization=login("a wrong one")).status_code == 401


@pytest.mark.parametrize(
    ("ip", "status"),
    [
        ("10.9.8.7", 200),
        ("::ffff:10.9.8.7", 200),
        ("2001:db8::5", 200),
        ("11.0.0.1", 403),
        ("10.0.0.1, 11.0.0.1", 403),
        ("", 403),
        ("nonsense", 403),
    ],
)
def test_an_allowlist_lets_in_by_the_address_that_the_ingress_saw(ip: str, status: int) -> None:
    environment = preview(mode="addresses", addresses=["10.0.0.0/8", "2001:db8::/32"]).environment
    assert knock(environment, ip=ip).status_code == status


def test_members_sign_in_and_come_back_to_where_they_were() -> None:
    scenario = members()
    environment = scenario.environment
    end, jar = entered(environment, colleague(scenario))
    assert end == f"http://pr-1-shop.{DOMAIN}/cart?x=1"
    for host, cookie in jar.items():
        assert knock(environment, label=host, Cookie=cookie).status_code == 200
    websocket = knock(
        environment, Cookie=jar["pr-1-shop"], **{"X-Forwarded-Method": "GET", "Sec-Fetch-Mode": "websocket"}
    )
    assert websocket.status_code == 200
    assert knock(environment, **{"Sec-Fetch-Mode": "websocket"}).status_code == 401


def test_strangers_are_refused_and_people_who_leave_stay_out_at_once() -> None:
    scenario = members()
    environment = scenario.environment
    stranger = factories.user("eve")
    factories.workspace("elsewhere", owner=stranger)
    client = Client()
    client.force_login(stranger)
    where = urlsplit(knock(environment, **PAGE)["Location"])
    refused = client.get(f"{where.path}?{where.query}")
    nothing = client.get("/environments/01ARZ3NDEKTSV4RRFFQ69G5FAV/enter?to=/")
    assert refused.status_code == nothing.status_code == 403
    assert b"You may not open this preview" in refused.content
    assert Client().get(f"{where.path}?{where.query}").status_code == 302, "to the sign-in page"

    carol = colleague(scenario)
    _, jar = entered(environment, carol)
    Membership.objects.filter(user=carol).delete()
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 401
    dave = colleague(scenario, username="dave")
    _, jar = entered(environment, dave)
    dave.is_active = False
    dave.save()
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 401


def test_passes_are_of_one_environment_and_cannot_be_made_up() -> None:
    scenario = members()
    other = members("bank").environment
    user = colleague(scenario)
    _, jar = entered(scenario.environment, user)
    cookie = jar["pr-1-shop"]
    assert knock(other, Cookie=cookie).status_code == 401
    assert knock(scenario.environment, Cookie=cookie[:-2] + "xx").status_code == 401
    both = f"{passes.cookie_name()}=tossed; {cookie}"
    assert knock(scenario.environment, Cookie=both).status_code == 200, (
        "another host's cookie shuts nobody out"
    )
    ticket = passes.first_ticket(
        passes.new_pass(passes.Kind.PERSON, other.pk, str(user.pk), 60), ["pr-1-shop"], "/"
    )
    where = urlsplit(ticket)
    assert knock(scenario.environment, f"{where.path}?{where.query}").status_code == 403
    assert (
        knock(scenario.environment, f"{where.path}?{where.query}", label="api-pr-1-shop").status_code == 403
    )


def test_nobody_is_led_to_another_site() -> None:
    scenario = members()
    environment = scenario.environment
    client = Client()
    client.force_login(colleague(scenario))
    for to in (
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "/a\r\nX-Evil: 1",
        "/caf\u00e9\u4e16",
    ):
        answer = client.get(f"/environments/{environment.pk}/enter", {"host": "evil.example", "to": to})
        end, _ = through(environment, answer)
        assert urlsplit(end).hostname in {f"pr-1-shop.{DOMAIN}", f"api-pr-1-shop.{DOMAIN}"}, to


def test_programs_show_the_bypass_token_and_the_preview_does_not_see_it() -> None:
    scenario = members()
    environment = scenario.environment
    assert knock(environment, X_Galley_Bypass="galley_bypass_made_up").status_code == 403
    token = bypass.rotate(scenario.project, by=ALICE)
    let_in = knock(environment, X_Galley_Bypass=token, Authorization="Bearer mine")
    assert (
        let_in.status_code == 200
        and "X-Galley-Bypass" not in let_in
        and let_in["Authorization"] == "Bearer mine"
    )
    assert knock(members("bank").environment, X_Galley_Bypass=token).status_code == 403

    end, jar = through(environment, knock(environment, f"/cart?a=1&galley-bypass={token}&b=%C3%A9"))
    assert end == f"http://pr-1-shop.{DOMAIN}/cart?a=1&b=%C3%A9"
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 200
    posted = knock(environment, f"/?galley-bypass={token}", X_Forwarded_Method="POST")
    assert posted.status_code == 403, "an application would have seen it"

    assert bypass.read(scenario.project, by=ALICE) == token
    again = bypass.rotate(scenario.project, by=ALICE)
    assert knock(environment, X_Galley_Bypass=token).status_code == 403
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 401
    bypass.revoke(scenario.project, by=ALICE)
    assert knock(environment, X_Galley_Bypass=again).status_code == 403
    with pytest.raises(NoToken):
        bypass.revoke(scenario.project, by=ALICE)
    done = list(
        AuditEntry.objects.filter(action__startswith="bypass_token")
        .order_by("id")
        .values_list("action", flat=True)
    )
    assert done == ["bypass_token.rotate", "bypass_token.read", "bypass_token.rotate", "bypass_token.revoke"]
    assert token not in str(list(AuditEntry.objects.values_list("details", flat=True)))


def test_guests_get_into_one_preview_until_their_link_ends() -> None:
    scenario = members()
    environment = scenario.environment
    link, url = guests.invite(environment, hours=1, note="the designer", by=ALICE)
    where = urlsplit(url)
    assert where.hostname == f"pr-1-shop.{DOMAIN}"
    end, jar = through(environment, knock(environment, f"/?{where.query}"))
    assert end == f"http://pr-1-shop.{DOMAIN}/"
    assert knock(environment, Cookie=jar["api-pr-1-shop"], label="api-pr-1-shop").status_code == 200
    assert knock(members("bank").environment, f"/?{where.query}").status_code == 403
    GuestLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 401
    assert knock(environment, f"/?{where.query}").status_code == 403

    link, url = guests.invite(environment, hours=1, by=ALICE)
    _, jar = through(environment, knock(environment, f"/?{urlsplit(url).query}"))
    guests.revoke(link, by=ALICE)
    assert knock(environment, Cookie=jar["pr-1-shop"]).status_code == 401
    with pytest.raises(BadLink, match="720 hours, not 721"):
        guests.invite(environment, hours=721, by=ALICE)


def test_a_link_that_would_help_nobody_is_not_made() -> None:
    with pytest.raises(NoGuests, match="Everybody gets into"):
        guests.invite(preview().environment, hours=1, by=ALICE)
    listed = preview("bank", mode="addresses", addresses=["10.0.0.0/8"]).environment
    with pytest.raises(NoGuests, match="allowed addresses"):
        guests.invite(listed, hours=1, by=ALICE)


def test_preflights_of_the_same_preview_get_in_and_of_others_stay_out() -> None:
    environment = members().environment
    asked = {"X-Forwarded-Method": "OPTIONS", "Access-Control-Request-Method": "POST"}
    of_web = knock(environment, label="api-pr-1-shop", Origin=f"http://pr-1-shop.{DOMAIN}", **asked)
    of_other = knock(environment, label="api-pr-1-shop", Origin=f"http://pr-1-bank.{DOMAIN}", **asked)
    assert (of_web.status_code, of_other.status_code) == (200, 401)


def test_this_server_gets_in_for_a_minute_and_nobody_else_with_what_it_shows() -> None:
    environment, other = members().environment, members("bank").environment
    shown = passes.for_visit(environment.pk)
    assert knock(environment, X_Galley_Bypass=shown).status_code == 200
    assert knock(other, X_Galley_Bypass=shown).status_code == 403


def test_the_gatekeeper_knows_no_host_that_has_no_preview() -> None:
    environment = members().environment
    for host in ("nothing", "a.b", "", "pr-1-shop.evil"):
        answer = knock(environment, label=host or "-")
        assert answer.status_code == 404, host
    assert parse_qs(urlsplit(knock(environment, **PAGE)["Location"]).query) == {
        "host": ["pr-1-shop"],
        "to": ["/"],
    }


def test_nobody_gets_into_one_that_was_just_stopped_or_ended() -> None:
    scenario = members()
    shown = passes.for_visit(scenario.environment.pk)
    scenario.stop()
    assert knock(scenario.environment).status_code == 503
    assert knock(scenario.environment, X_Galley_Bypass=shown).status_code == 503
    scenario.close(at=9)
    assert knock(scenario.environment, X_Galley_Bypass=shown).status_code in {404, 503}


def test_a_project_goes_with_its_gates() -> None:
    scenario = members()
    bypass.rotate(scenario.project, by=ALICE)
    guests.invite(scenario.environment, hours=1, by=ALICE)
    scenario.project.delete()
    assert not Gate.objects.exists() and not GuestLink.objects.exists()


def test_the_page_in_place_of_a_protected_preview_tells_nothing() -> None:
    environment = members().environment
    page = Client().get("/preview-unavailable", {"host": f"{environment.name}.{DOMAIN}"})
    assert page.status_code == 503 and b"protected" in page.content and b"running" not in page.content


def test_the_password_is_never_in_what_is_answered() -> None:
    answer = knock(basic().environment, Authorization=login())
    assert PASSWORD not in str(answer.headers) and PASSWORD.encode() not in answer.content


def test_what_is_applied_at_once_is_in_the_routes_at_once() -> None:
    scenario = members()
    document = Document()
    document.take(scenario.environment)
    rules.decide(scenario.project, mode="public", by=ALICE)
    rules.apply(scenario.project, by=ALICE)
    assert document.take(scenario.environment)
    routers = json.loads(document.text())["http"]["routers"]
    assert all("preview-gate" not in router["middlewares"] for router in routers.values())
