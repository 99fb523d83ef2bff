"""The source of the code in messages to agents."""

import pytest

from seatrial.control.forges import registry
from seatrial.control.forges.sources import source
from tests import factories
from tests.forges.toy import ToySite, registration

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.mark.parametrize(
    ("kind", "needs_credential"), [("local", False), ("toy", True), ("of another release", True)]
)
def test_the_forge_says_whether_a_source_needs_a_credential(
    monkeypatch: pytest.MonkeyPatch, kind: str, needs_credential: bool
) -> None:
    site = ToySite()
    monkeypatch.setitem(registry.FORGES, "toy", registration(site))
    workspace = factories.workspace()
    connection = factories.connection(workspace, forge=kind, credential="the credential")
    described = source(factories.project(workspace, "shop", connection=connection))
    assert described.model_dump() == {"clone_url": "/srv/git/shop", "needs_credential": needs_credential}
    assert site.asked == []
