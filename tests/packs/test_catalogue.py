"""All packs, as the catalogue lists them."""

import re
from collections import Counter
from pathlib import Path

from scripts.write_packs import page
from seatrial.control.policies import packs


def test_each_pack_says_what_it_is_and_the_starter_pack_comes_first() -> None:
    catalogue = packs.catalogue()
    assert catalogue[0].slug == packs.STARTER and len({pack.slug for pack in catalogue}) == len(catalogue)
    for pack in catalogue:
        assert pack.name and not pack.name.endswith(".") and pack.description.endswith(".") and pack.policies


def test_a_policy_is_in_one_pack_only() -> None:
    """In a workspace, a policy's slug is all that tells it from others."""
    every = Counter(policy.slug for pack in packs.catalogue() for policy in pack.policies)
    assert max(every.values()) == 1


def test_there_are_many_and_the_page_about_them_is_as_they_say() -> None:
    catalogue = packs.catalogue()
    assert len(catalogue) >= 9 and sum(len(pack.policies) for pack in catalogue) >= 40
    written = (Path(__file__).parents[2] / "docs" / "packs.md").read_text()
    assert written == page(catalogue), "run `make docs`"


def test_each_standard_of_gitgrit_has_a_counterpart_that_there_is() -> None:
    every = {policy.slug for pack in packs.catalogue() for policy in pack.policies}
    table = (
        (Path(__file__).parents[2] / "docs" / "policies.md").read_text().partition("| GitGrit | here |")[2]
    )
    rows = [row.split("|")[1:3] for row in table.splitlines()[2:] if row.startswith("|")]
    standards = [name for theirs, _ in rows for name in re.findall(r"`([\w-]+)`", theirs)]
    ours = {name for _, here in rows for name in re.findall(r"`([\w-]+)`", here)} - {"required"}
    assert len(standards) == len(set(standards)) == 26 and ours <= every
