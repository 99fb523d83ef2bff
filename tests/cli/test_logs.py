"""`seatrial logs` and `open`."""

import json
import webbrowser
from typing import Any

import pytest

from seatrial.cli.errors import CommandError
from seatrial.cli.logs import seconds_of
from seatrial.cli.opening import address_of
from tests.cli.conftest import FakeApi, Shown

LINE = {
    "at": "2026-11-30T13:20:01.123+00:00",
    "deployment": "01D",
    "service": "web",
    "source": "service",
    "stream": "stdout",
    "text": "listening",
}
ROW = {"id": "01E", "name": "pr-7-shop", "urls": {"web": "http://pr-7-shop.test", "api": "http://api.test"}}


def log_of(*records: dict[str, Any]) -> bytes:
    return b"\n".join([*(json.dumps(one).encode() for one in records), b""])


@pytest.fixture
def shop(api: FakeApi) -> FakeApi:
    api.held_to_contract = False  # rows with what these commands read of them
    api.routes["GET /environments"] = lambda _: (200, [ROW])
    return api


def test_lines_are_shown_with_their_moment_and_service(cli: Any, shop: FakeApi) -> None:
    shop.routes["GET /environments/01E/log"] = lambda _: (
        200,
        log_of(LINE) + b"\n" + log_of({"end": "complete"}),
    )
    code, out, err = cli("logs", "pr-7-shop", "--since", "10m", "--service", "web", "--tail", "5")
    assert (code, err) == (0, "")
    assert out.splitlines() == ["2026-11-30 13:20:01.123 web          listening"]


def test_json_is_one_document_and_a_line_each_when_it_goes_on(cli: Any, shop: FakeApi) -> None:
    shop.routes["GET /environments/01E/log"] = lambda _: (200, log_of(LINE, LINE, {"end": "complete"}))
    assert json.loads(cli("logs", "--json")[1]) == [LINE, LINE]
    followed = cli("logs", "--json", "--follow")[1]
    assert [json.loads(line) for line in followed.splitlines()] == [LINE, LINE]


@pytest.mark.parametrize("end", [[{"end": "bus_away"}], [{"end": "cut_off"}], []])
def test_missing_lines_are_said(cli: Any, shop: FakeApi, end: list[dict[str, Any]]) -> None:
    shop.routes["GET /environments/01E/log"] = lambda _: (200, log_of(LINE, *end))
    code, out, err = cli("logs")
    assert code == 2 and "listening" in out and "lines are missing" in err


def test_several_previews_are_named_and_none_is_guessed(cli: Any, shop: FakeApi) -> None:
    shop.routes["GET /environments"] = lambda _: (200, [ROW, {**ROW, "name": "pr-8-shop"}])
    code, _, err = cli("logs")
    assert code == 2 and "pr-7-shop, pr-8-shop" in err
    shop.routes["GET /environments"] = lambda _: (200, [])
    assert "there is no preview" in cli("open")[2]


def test_a_refusal_is_the_platforms(cli: Any, shop: FakeApi) -> None:
    said = {"error": {"code": "not_found", "message": "There is no environment 01E."}}
    shop.routes["GET /environments/01E/log"] = lambda _: (404, said)
    assert cli("logs") == (2, "", "seatrial: There is no environment 01E.\n")


def test_an_age_is_a_number_and_a_unit() -> None:
    assert [seconds_of(age) for age in ("", "90s", "10m", "2H", "1d")] == [0, 90, 600, 7_200, 86_400]
    for wrong in ("10", "m", "0m", "-5m", "ten minutes"):
        with pytest.raises(CommandError, match="no age"):
            seconds_of(wrong)


@pytest.mark.parametrize(("service", "label"), [("", "pr-1-shop"), ("api", "api-pr-1-shop")])
def test_the_address_of_a_preview_is_the_one_with_its_name(service: str, label: str) -> None:
    urls = {
        name: f"https://{host}.preview.test"
        for name, host in (("api", "api-pr-1-shop"), ("web", "pr-1-shop"))
    }
    assert address_of({"name": "pr-1-shop", "urls": urls}, service) == f"https://{label}.preview.test"


def test_open_opens_or_prints(cli: Any, shop: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    assert "Opened pr-7-shop" in cli("open", "pr-7-shop")[1]
    assert cli("open", "--print", "--service", "api")[1] == "http://api.test\n"
    assert opened == ["http://pr-7-shop.test"]
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert cli("open")[1] == "http://pr-7-shop.test\n"
    code, _, err = cli("open", "--service", "worker")
    assert code == 2 and "web, api" in err
    shop.routes["GET /environments"] = lambda _: (200, [{**ROW, "urls": {}}])
    assert "has no address" in cli("open")[2]


def test_logs_and_open(shown: Shown, api: FakeApi, attack: str) -> None:
    row = {"id": "01E", "name": attack, "urls": {"web": f"http://{attack}"}}
    line = {
        "at": attack,
        "deployment": "",
        "service": attack,
        "source": "service",
        "stream": "stderr",
        "text": attack,
    }
    records = [json.dumps(one).encode() for one in (line, {"end": "complete"})]
    api.routes["GET /environments"] = lambda _: (200, [row])
    api.routes["GET /environments/01E/log"] = lambda _: (200, b"\n".join(records))
    shown("logs")
    shown("open", "--print")
