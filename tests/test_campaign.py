"""A campaign can be repeated, and the tests that it names exist."""

from pathlib import Path

from tests.campaign import ROOT, TESTS, planned


def test_the_same_seed_is_the_same_campaign_and_a_longer_one_begins_with_the_shorter() -> None:
    assert list(planned(7, 20)) == list(planned(7, 50))[:20]
    assert list(planned(7, 20)) != list(planned(8, 20))


def test_every_test_of_a_campaign_is_there_and_comes_up() -> None:
    for test in TESTS:
        file, _, name = test.partition("::")
        assert f"def {name}(" in Path(ROOT, file).read_text() if name else Path(ROOT, file).exists(), test
    assert {one.test for one in planned(0, 500)} == set(TESTS)
