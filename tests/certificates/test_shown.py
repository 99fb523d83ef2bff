"""Where a certificate's state is shown, and to whom: the instance admin alone."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from seatrial.control.certificates import looking, notes
from seatrial.control.certificates.handshake import NotServed, Seen
from seatrial.control.certificates.models import Served
from seatrial.control.home.health_page import health_fingerprint
from seatrial.control.home.overview import fingerprint
from seatrial.control.home.setup import setup
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
SITE, PREVIEWS = "galley.test", "*.preview.test"


def client(user: Any) -> Client:
    made = Client()
    made.force_login(user)
    return made


@pytest.fixture
def root() -> Any:
    return make.user("root", is_superuser=True)


def served(name: str, **facts: Any) -> Served:
    now = timezone.now()
    usual = {
        "source": "acme",
        "looked_at": now,
        "since": now,
        "fingerprint": "f",
        "issuer": "Harbour CA",
        "names": [name],
        "not_before": now - timedelta(days=30),
        "not_after": now + timedelta(days=60, minutes=5),
    }
    return Served.objects.create(name=name, **{**usual, **facts})


def test_the_instance_admin_sees_it_everywhere(root: Any) -> None:
    served(SITE)
    served(PREVIEWS, is_stopgap=True, said="dns01: error presenting token: 403")
    admin = client(root)
    first, second = admin.get("/api/v1/status").json()["certificates"]
    assert (first["name"], first["state"], first["grave"]) == (PREVIEWS, "pending", True)
    assert "error presenting token" in first["text"] and "correct the token" in first["fix"]
    assert (second["state"], second["fix"], second["issuer"]) == ("valid", "", "Harbour CA")
    page = admin.get("/health").content.decode()
    assert ">Certificates<" in page
    assert f"{SITE} has a certificate of Harbour CA until" in page and "for 60 days" in page
    assert "error presenting token: 403" in page
    metrics = admin.get("/api/v1/metrics").content.decode()
    assert f'seatrial_certificate_state{{name="{PREVIEWS}",state="pending"}} 1.0' in metrics
    assert f'seatrial_certificate_state{{name="{PREVIEWS}",state="valid"}} 0.0' in metrics
    assert f'seatrial_certificate_expires_seconds{{name="{SITE}"}}' in metrics
    checks = next(task for task in setup(root).tasks if task.word == "Checks").checks
    assert any("is pending" in check.text for check in checks if check.grave)


def test_nobody_else_does() -> None:
    served(SITE, said="what the provider said")
    cast = make.Cast()
    for person in (cast.alice, cast.bob, cast.charlie):
        one = client(person)
        assert one.get("/health").status_code == 403
        assert one.get("/health/stream").status_code in {403, 404}
        assert one.get("/api/v1/status").json()["certificates"] == []
        assert "seatrial_certificate_state{" not in one.get("/api/v1/metrics").content.decode()
        assert 'href="/health"' not in one.get("/").content.decode()
        assert health_fingerprint(person) is None
    assert Client().get("/health").headers["Location"].startswith("/accounts/login/")
    assert Client().get("/health/stream").status_code == 404


def test_the_page_follows_what_is_seen_and_the_time(root: Any) -> None:
    row = served(SITE)
    before = health_fingerprint(root)
    assert before == health_fingerprint(root)
    Served.objects.filter(pk=row.pk).update(not_after=timezone.now() + timedelta(days=3))
    assert before != health_fingerprint(root)
    assert "expires on" in client(root).get("/health").content.decode()


def test_the_overview_warns_the_instance_admin_before_it_is_too_late(root: Any) -> None:
    now = timezone.now()
    served(PREVIEWS, is_stopgap=True)  # asked for just now
    row = served(SITE)
    before = fingerprint(root)
    assert "Certificates need you" not in client(root).get("/").content.decode()
    Served.objects.filter(pk=row.pk).update(not_after=now + timedelta(days=6, minutes=5))
    page = client(root).get("/").content.decode()
    assert (
        "Certificates need you" in page
        and f"The certificate of {SITE} expires on" in page
        and "in 6 days" in page
    )
    assert before != fingerprint(root)
    assert "Certificates need you" not in client(make.Cast().alice).get("/").content.decode()


def test_without_certificates_nothing_is_said_of_them(root: Any) -> None:
    admin = client(root)
    assert ">Certificates<" not in admin.get("/health").content.decode()
    assert admin.get("/api/v1/status").json()["certificates"] == []


def seen(**facts: Any) -> Seen:
    now = timezone.now()
    usual = {"issuer": "Harbour CA", "names": (SITE,), "not_before": now - timedelta(days=1),
             "not_after": now + timedelta(days=89), "is_stopgap": False, "fingerprint": "one"}  # fmt: skip
    return Seen(**{**usual, **facts})


@pytest.fixture
def looked(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a look finds, by host. An exception is raised."""
    update = {
        "site_url": f"https://{SITE}",
        "galley_preview_scheme": "https",
        "galley_preview_domain": "preview.test",
        "galley_ingress_url": "https://127.0.0.1:8443",
        "galley_ingress_notes": tmp_path,
        "galley_acme_provider": "cloudflare",
    }
    settings.CONFIGURATION = django_settings.CONFIGURATION.model_copy(update=update)
    finds: dict[str, Any] = {SITE: seen(), "any.preview.test": seen(is_stopgap=True, names=())}

    def look(address: tuple[str, int], host: str, authorities: object) -> Seen:
        assert address == ("127.0.0.1", 8443)
        if isinstance(finds[host], Exception):
            raise finds[host]
        return finds[host]

    monkeypatch.setattr(looking, "look", look)
    return finds


def test_each_look_keeps_what_it_saw(looked: dict[str, Any], tmp_path: Path, settings: Any) -> None:
    (tmp_path / notes.ERRORS).write_text(
        f'2026-11-29T10:00:00Z ERR no error="refused" domains=["{PREVIEWS}"]\n'
    )
    looking.look_at_all()
    site, previews = Served.objects.get(pk=SITE), Served.objects.get(pk=PREVIEWS)
    assert (site.issuer, site.said, previews.is_stopgap, previews.said) == ("Harbour CA", "", True, "refused")
    looked["any.preview.test"] = seen(
        is_stopgap=True, names=(), fingerprint="another"
    )  # Traefik was started anew
    looked[SITE] = seen(fingerprint="renewed")
    looking.look_at_all()
    assert Served.objects.get(pk=PREVIEWS).since == previews.since
    assert Served.objects.get(pk=SITE).since > site.since
    looked[SITE] = NotServed("no TLS at 127.0.0.1:8443 (Connection refused)")
    looking.look_at_all()
    away = Served.objects.get(pk=SITE)
    assert away.unanswered and away.issuer == "Harbour CA"
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update={"galley_ingress_url": ""})
    looking.look_at_all()
    assert not Served.objects.exists()


@pytest.mark.parametrize(
    ("host", "said"), [("169.254.169.254", "link-local or metadata"), ("ingress.invalid", "ingress.invalid")]
)
def test_an_ingress_is_looked_up_like_every_host(
    looked: dict[str, Any], settings: Any, host: str, said: str
) -> None:
    update = {"galley_ingress_url": f"https://{host}"}
    settings.CONFIGURATION = settings.CONFIGURATION.model_copy(update=update)
    looking.look_at_all()
    assert said in Served.objects.get(pk=SITE).unanswered
