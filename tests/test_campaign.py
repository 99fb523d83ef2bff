"""A campaign can be repeated, and the tests that it names exist."""

import random
from itertools import product
from pathlib import Path

from e2e.faults import MOMENTS, VICTIMS, Fault
from tests.campaign import ROOT, TESTS, WALKS, Round, Walk, asked, planned


def test_the_same_seed_is_the_same_campaign_and_a_longer_one_begins_with_the_shorter() -> None:
    assert list(planned(7, 20)) == list(planned(7, 50))[:20]
    assert list(planned(7, 20)) != list(planned(8, 20))


def test_every_test_of_a_campaign_is_there_and_comes_up() -> None:
    for test in TESTS:
        file, _, name = test.partition("::")
        assert f"def {name}(" in Path(ROOT, file).read_text() if name else Path(ROOT, file).exists(), test
    assert {one.test for one in planned(0, 500)} == set(TESTS)


def test_walks_come_once_each_after_the_rounds_and_not_where_rounds_alone_were_asked_for() -> None:
    assert asked(7, "", "")[20:] == [Walk(name) for name in WALKS]
    assert all(isinstance(one, Round) for one in asked(7, "", "")[:20] + asked(7, "30", ""))
    assert asked(7, "30", "airgapped") == [Walk("airgapped")]


def test_a_campaign_of_one_test_has_the_seeds_of_any_other() -> None:
    only = asked(7, "", "", "e2e/test_faults.py")
    assert [one.seed for one in only] == [one.seed for one in planned(7, 20)]
    assert {one.test for one in only} == {"e2e/test_faults.py"}


def test_every_file_that_is_marked_as_a_walk_has_a_name_to_ask_for_it() -> None:
    mark = "pytest.mark." + "walk"
    marked = {
        str(file.relative_to(ROOT))
        for file in Path(ROOT, "tests").rglob("test_*.py")
        if mark in file.read_text()
    }
    assert marked == set(WALKS.values())


def test_a_hundred_faults_of_a_seed_are_the_same_each_time_and_a_thousand_are_all_there_are() -> None:
    once, again = (random.Random(7) for _ in range(2))
    assert [Fault.drawn(once) for _ in range(100)] == [Fault.drawn(again) for _ in range(100)]
    drawn = {(fault.victim, fault.moment) for fault in (Fault.drawn(once) for _ in range(1000))}
    assert drawn == set(product(VICTIMS, MOMENTS))
