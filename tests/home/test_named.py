"""Records hold ids; their pages show names that lead to the things."""

import pytest
from django.test import Client
from django.utils import timezone

from seatrial.control.accounts.models import ApiToken, User
from seatrial.control.audit import services as audit
from seatrial.control.audit.actors import SYSTEM
from seatrial.control.dashboard.links import Link
from seatrial.control.dashboard.templatetags.seatrial import linked
from seatrial.control.home.named import links
from seatrial.wire.envelope import new_id
from tests import factories as make
from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def page(user: User, path: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(path).content.decode()


def test_targets_of_the_audit_log_are_links_with_names(harbour: Harbour) -> None:
    project, space = harbour.project, harbour.cast.workspace.pk
    gone = new_id()
    for target in (
        f"project/{project.pk}/pull/1",
        f"connection/{project.connection.pk}",
        f"evaluation/{gone}",
    ):
        audit.record("thing.change", target, by=SYSTEM, workspace=space)
    shown = page(harbour.cast.alice, "/audit")
    assert f'project/<a href="/projects/{project.pk}" title="{project.pk}">chandlery</a>/pull/1' in shown
    assert f'environment/<a href="/environments/{harbour.live.pk}" title="pr-1-chandlery">' in shown
    assert f">{project.connection.name}</span>" in shown
    assert f"evaluation/{gone}" in shown, "what is gone keeps its id"


def test_a_token_has_its_name_for_those_who_may_see_it(harbour: Harbour) -> None:
    root = make.user("root", is_superuser=True)
    token = ApiToken.objects.create(user=root, name="command line", prefix="sea_x", digest="d")
    audit.record("api_token.create", f"api_token/{token.pk}", by=SYSTEM)
    assert f'api_token/<span title="{token.pk}">command line</span>' in page(root, "/audit")
    assert links(harbour.cast.alice, [token.pk]) == {}


def test_outcomes_of_deliveries_are_links_with_names(harbour: Harbour) -> None:
    newest, checks = harbour.live.live, harbour.evaluation
    assert newest is not None
    outcome = f"deployment {newest.pk} of pr-1-chandlery; evaluation {checks.pk}"
    make.delivery(harbour.project.connection, outcome=outcome, handled_at=timezone.now())
    shown = page(harbour.cast.alice, "/deliveries")
    assert f'href="/environments/{harbour.live.pk}?deployment={newest.pk}#logs-title"' in shown
    assert (
        f'evaluation <a href="/evaluations/{checks.pk}" title="{checks.pk}">of {checks.commit[:10]}</a>'
        in shown
    )


def test_what_somebody_may_not_see_has_no_name_for_them(harbour: Harbour) -> None:
    texts = [
        f"project/{harbour.project.pk}",
        "environment/pr-1-chandlery",
        f"evaluation {harbour.evaluation.pk}",
    ]
    assert len(links(harbour.cast.alice, texts)) == 3
    assert links(harbour.cast.charlie, texts) == {}


def test_text_around_names_is_escaped_and_longer_words_stay() -> None:
    shown = linked("<b> pr-1 pr-1-shop", {"pr-1": Link("<i>", "/x")})
    assert shown == '&lt;b&gt; <a href="/x" title="pr-1">&lt;i&gt;</a> pr-1-shop'
