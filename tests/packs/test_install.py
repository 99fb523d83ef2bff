"""Installing a pack into a workspace."""

import pytest

from seatrial.control.accounts.models import Workspace
from seatrial.control.policies import packs
from seatrial.control.policies.errors import NoSuchPack
from seatrial.control.policies.models import Policy, PolicyVersion

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


@pytest.fixture
def workspace() -> Workspace:
    return Workspace.objects.create(slug="fleet", name="Fleet")


def test_installing_twice_changes_nothing(workspace: Workspace) -> None:
    first = packs.install(workspace, "starter")
    again = packs.install(workspace, "starter")
    assert [policy.pk for policy in first] == [policy.pk for policy in again]
    assert Policy.objects.count() == PolicyVersion.objects.count() == 10
    version = PolicyVersion.objects.get(policy__slug="readme")
    assert version.number == 1 and version.params == {"min_words": 40} and "def evaluate" in version.code
    assert version.policy.name == "Readable README" and version.policy.enabled


def test_changed_code_becomes_a_new_version_and_keeps_what_people_set(workspace: Workspace) -> None:
    packs.install(workspace, "starter")
    policy = Policy.objects.get(slug="readme")
    policy.enabled = False
    policy.save()
    old = "PARAMS = {'min_words': 20}"
    PolicyVersion.objects.filter(policy=policy).update(code=old, digest="old", params={"min_words": 7})
    packs.install(workspace, "starter")
    newest = policy.versions.first()
    assert newest.number == 2 and newest.params == {"min_words": 7} and newest.digest != "old"
    policy.refresh_from_db()
    assert not policy.enabled


def test_what_nobody_changed_becomes_what_the_pack_says_now(workspace: Workspace) -> None:
    packs.install(workspace, "starter")
    old = "CRITERIA = {'events': ['push']}\nPARAMS = {'min_words': 20}"
    policies = Policy.objects.filter(slug="readme")
    for criteria, kept in (({"events": ["push"]}, {}), ({"ref": "^main$"}, {"ref": "^main$"})):
        policies.update(criteria=criteria)
        newest = policies.get().versions.first()
        PolicyVersion.objects.filter(pk=newest.pk).update(code=old, digest="old", params={"min_words": 20})
        packs.install(workspace, "starter")
        assert policies.get().criteria == kept
        assert policies.get().versions.first().params == {"min_words": 40}


@pytest.mark.parametrize(
    "unlike", ["TESTS = re.compile('')", "LIVE = 3", "NETWORK = print()", "CRITERIA = 1"]
)
def test_what_an_earlier_release_meant_by_a_name_is_no_obstacle(workspace: Workspace, unlike: str) -> None:
    """Such as the TESTS of this pack's own ci-configured, before policies had tests."""
    packs.install(workspace, "starter")
    old = f"PARAMS = {{'min_words': 20}}\n{unlike}"
    version = PolicyVersion.objects.filter(policy__slug="readme")
    version.update(code=old, digest="old", params={"min_words": 7})
    packs.install(workspace, "starter")
    newest = Policy.objects.get(slug="readme").versions.first()
    assert newest.number == 2 and newest.params == {"min_words": 7}


def test_code_that_people_changed_is_left_alone(workspace: Workspace) -> None:
    packs.install(workspace, "starter")
    policy = Policy.objects.get(slug="readme")
    PolicyVersion.objects.create(policy=policy, number=2, code="mine", digest="mine", author="alice")
    packs.install(workspace, "starter")
    assert policy.versions.count() == 2


def test_an_unknown_pack_names_those_there_are(workspace: Workspace) -> None:
    for name in ("nope", "../packs", ""):
        with pytest.raises(NoSuchPack, match=r"there is: .*starter"):
            packs.install(workspace, name)
