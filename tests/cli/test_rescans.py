"""`seatrial projects rescan` and `seatrial policy run`: what they ask, what they show, how they end; also with text that attacks."""

from typing import Any

from tests.cli.conftest import FakeApi, Shown

COUNTS = {"targets": 2, "ended": 2, "passed": 2, "failed": 0, "errored": 0, "skipped": 0}


def rescan(**said: Any) -> dict[str, Any]:
    return {
        "id": "01R",
        "state": "finished",
        "counts": COUNTS,
        "left_out": 0,
        "page_url": "http://page",
        "finished_at": "2026-12-01T00:00:00Z",
        **said,
    }


def served(api: FakeApi, *looks: dict[str, Any]) -> list[Any]:
    """The platform, which answers with these re-scans one after another; what it was asked."""
    asked: list[Any] = []
    answers = iter(looks)
    api.routes["GET /projects"] = lambda _: (200, [{"id": "01P", "slug": "shop"}])
    api.routes["GET /policies"] = lambda _: (200, [{"id": "01K", "slug": "no-secrets"}])
    for where in ("projects/01P", "policies/01K", "workspaces/default"):

        def post(body: Any, where: str = where) -> tuple[int, Any]:
            asked.append((where, body))
            return 202, looks[0]

        api.routes[f"POST /{where}/rescans"] = post
    api.routes["GET /rescans/01R"] = lambda _: (200, next(answers))
    return asked


def test_they_wait_for_the_end_and_bad_verdicts_are_exit_code_1(cli: Any, api: FakeApi) -> None:
    running = rescan(state="running", finished_at=None, counts={**COUNTS, "ended": 1})
    asked = served(api, running, rescan())
    code, out, _ = cli("projects", "rescan", "shop", "--pull-requests")
    assert code == 0 and "2 of 2 targets" in out and asked == [("projects/01P", {"pull_requests": True})]
    asked = served(api, rescan(counts={**COUNTS, "failed": 1}))
    assert cli("policy", "run", "no-secrets")[0] == 1 and asked == [
        ("policies/01K", {"pull_requests": False})
    ]
    asked = served(api, running)
    assert cli("projects", "rescan", "--all", "--no-wait")[0] == 0 and asked[0][0] == "workspaces/default"


def test_what_is_not_there_or_not_named_is_said(cli: Any, api: FakeApi) -> None:
    served(api, rescan())
    for words in (
        ["projects", "rescan"],
        ["projects", "rescan", "shop", "--all"],
        ["projects", "rescan", "nowhere"],
    ):
        code, _, err = cli(*words)
        assert code == 2 and "Traceback" not in err
    api.routes["GET /policies"] = lambda _: (200, [])
    code, _, err = cli("policy", "run", "no-secret")
    assert code == 2 and "no policy no-secret" in err


def test_text_of_others_is_shown_and_never_obeyed(shown: Shown, api: FakeApi, attack: str) -> None:
    api.held_to_contract = False
    said = rescan(state=attack, page_url=attack, counts={**COUNTS, "passed": attack}, left_out=1)
    served(api, said, said)
    shown("projects", "rescan", "shop")
    served(api, said, said)
    shown("policy", "run", "no-secrets")
