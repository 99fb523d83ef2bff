"""Criteria are checked when they are saved, and say what is wrong and what may be meant."""

from typing import Any

import pytest

from seatrial.control.policies.criteria import Criteria, check_criteria
from seatrial.control.policies.errors import BadCriteria
from seatrial.control.policies.refs import which_apply
from seatrial.wire.words import EventKind

FEATURE = "refs/heads/feature"


def applies(criteria: Any, event: EventKind = EventKind.PUSH, ref: str = FEATURE) -> bool:
    checked = check_criteria(criteria)
    return checked.apply_to(event) and bool(which_apply([checked.ref], ref))


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ({}, True),
        ({"events": []}, True),
        ({"events": ["push"]}, True),
        ({"events": ["tag"]}, False),
        ({"ref": "^feature$"}, True),
        ({"ref": "^refs/heads/feat"}, True),
        ({"ref": "^main$"}, False),
        ({"events": ["push"], "ref": "main"}, False),
    ],
)
def test_what_is_named_must_match(criteria: dict[str, Any], expected: bool) -> None:
    assert applies(criteria) is expected


def test_by_hand_the_event_does_not_matter() -> None:
    assert applies({"events": ["tag"]}, EventKind.MANUAL)
    assert not applies({"ref": "^main$"}, EventKind.MANUAL)


def test_what_applies_to_pull_requests_applies_to_a_merge_queue() -> None:
    assert applies({"events": ["merge_request"]}, EventKind.MERGE_QUEUE)
    assert not applies({"events": ["merge_group"]}, EventKind.PULL_REQUEST)


@pytest.mark.parametrize(
    ("named", "event"),
    [
        ("merge_request", "pull_request"), ("Merge Request Hook", "pull_request"), ("pull_request_sync", "pull_request"),
        ("Tag Push Hook", "tag"), ("create", "tag"), ("merge_group", "merge_queue"), ("Push", "push"), ("push_events", "push"),
    ],
)  # fmt: skip
def test_the_names_of_code_hosts_mean_the_same_events(named: str, event: str) -> None:
    assert check_criteria({"events": [named, event]}) == Criteria(events=(EventKind(event),))


def test_languages_are_linguists_and_written_as_repositories_are_counted() -> None:
    checked = check_criteria({"languages": ["python", "golang", "C++", "TSX", "PYTHON"]})
    assert checked.languages == ("Python", "Go", "C++", "TypeScript")
    assert checked.stored() == {"languages": ["Python", "Go", "C++", "TypeScript"]}


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        (["push"], "must be a dictionary with events, ref and languages"),
        ({"event": ["push"]}, "criteria.event is not known; did you mean events?"),
        ({7: 1}, "criteria.7 is not known"),
        ({"events": "push"}, "criteria.events must be a list of texts"),
        ({"events": [1]}, "criteria.events must be a list of texts"),
        ({"events": ["pull_requst"]}, "did you mean pull_request?"),
        ({"events": ["release"]}, "name tag"),
        ({"events": ["\x1b[2J"]}, r"\\x1b\[2J is no event"),
        ({"events": ["push"] * 101}, "101 entries"),
        ({"languages": ["Pyhton"]}, "did you mean Python?"),
        ({"languages": ["Markdown"]}, "Markdown is data or prose"),
        ({"languages": "Python"}, "must be a list of texts"),
        ({"ref": 7}, "must be a regular expression"),
        ({"ref": "a" * 501}, "at most 500 characters"),
        ({"ref": "["}, r"criteria.ref '\[' is not a regular expression: missing \]"),
        ({"ref": "(?!release)x"}, "RE2, which has no look-ahead"),
        ({"ref": "(a{900}){900}"}, "is not a regular expression"),
        ({"ref": "\ud800"}, "is not a regular expression"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(criteria: Any, said: str) -> None:
    with pytest.raises(BadCriteria, match=said):
        check_criteria(criteria)


def test_an_expression_made_to_hang_does_not() -> None:
    ref = "refs/heads/" + "a" * 239
    assert not applies({"ref": "^(refs/heads/)?(a|aa|a+)+b$"}, ref=ref)


def test_a_ref_that_is_no_unicode_matches_nothing_and_breaks_nothing() -> None:
    assert not applies({"ref": "^main$"}, ref="refs/heads/\ud800")
