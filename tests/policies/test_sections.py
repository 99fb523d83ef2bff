"""The bar of the tab Policies: it leads to what the reader may open, and says where they are."""

import re

import pytest
from django.test import Client

from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def bar(client: Client, page: str) -> tuple[list[str], list[str]]:
    """The words of the sections, and of the one that is open."""
    answer = client.get(page)
    assert answer.status_code == 200
    found = re.search(r'<nav class="sections".*?</nav>', answer.content.decode(), re.DOTALL)
    assert found is not None
    links = re.findall(r"<a ([^>]*)>([^<]*)</a>", found[0])
    return [word for _, word in links], [word for rest, word in links if 'aria-current="page"' in rest]


def test_everybody_gets_the_sections_they_may_open() -> None:
    cast = make.Cast()
    make.policy(cast.workspace, "Has readme")
    owner, viewer = Client(), Client()
    owner.force_login(cast.alice)
    viewer.force_login(cast.bob)
    for page, word in {
        "/policies": "Policies",
        "/waivers": "Waivers",
        "/policies/network": "Network",
    }.items():
        words, current = bar(owner, page)
        assert {"Policies", "Waivers", "Network"} <= set(words) and current == [word]
    words, _ = bar(viewer, "/policies")
    assert "Waivers" in words and "Network" not in words
    assert viewer.get("/policies/network").status_code == 403


def test_strangers_see_no_policy_of_others() -> None:
    cast = make.Cast()
    make.policy(cast.workspace, "Has readme")
    stranger = Client()
    stranger.force_login(cast.charlie)
    assert "Has readme" not in stranger.get("/policies").content.decode()
