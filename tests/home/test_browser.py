"""In a real Chromium: nothing inline is needed, nothing comes from elsewhere, nothing is out of reach."""

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from playwright.sync_api import expect

from seatrial.control.audit.actors import Actor
from seatrial.control.previews import services as previews
from tests.dashboard.faults import grave_faults
from tests.dashboard.waiting import comes_true
from tests.factories import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.dashboard.harbour import Harbour

pytestmark = [pytest.mark.chromium, pytest.mark.postgres]

# How often the live part of a page came; counted from before its scripts run.
COUNT = """
window.messages = 0;
document.addEventListener('htmx:sse:after:message', () => { window.messages += 1; });
"""
BUDGET_BYTES = 100_000


def signed_in(page: "Page", base: str, name: str = "alice") -> None:
    """As somebody who came in before: where a test is about other pages, signing in would take longer than they do."""
    client = Client()
    client.force_login(
        get_user_model().objects.get(username=name), backend=settings.AUTHENTICATION_BACKENDS[0]
    )
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": base}])


def sign_in(page: "Page", base: str, name: str = "alice") -> None:
    page.goto(f"{base}/accounts/login/")
    page.fill("#id_login", name)
    page.fill("#id_password", PASSWORD)
    page.click("main button")
    page.wait_for_url(f"{base}/")


def watched(browser: "Browser", base: str, **options: Any) -> "tuple[Page, list[str]]":
    """A page, and what went wrong on it: console errors, script errors, requests to elsewhere."""
    page = browser.new_context(**options).new_page()
    page.add_init_script(COUNT)
    wrong: list[str] = []
    page.on(
        "console",
        lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None,
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((base, "data:")) else wrong.append(f"asked {request.url}")
        ),
    )
    return page, wrong


def live_part_came(page: "Page") -> bool:
    """Whether the page has shown what its stream said; True where it has none."""
    if page.locator("[hx-sse\\:connect]").count() == 0:
        return True
    return bool(page.evaluate("window.messages") > 0)


def test_enter_in_the_stop_dialog_keeps_the_preview(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, _ = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.live.pk}")
    page.click("text=Stop preview")
    page.wait_for_selector("dialog[open] button")
    comes_true(lambda: page.evaluate("document.activeElement.textContent") == "Keep it")
    page.keyboard.press("Enter")
    expect(page.locator("dialog[open]")).to_have_count(0)
    busy.live.refresh_from_db()
    assert busy.live.state == "running"
    page.context.close()


def test_what_a_colleague_stops_can_be_undone_where_it_is_seen(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.live.pk}")
    comes_true(lambda: live_part_came(page))
    previews.stop(busy.live, by=Actor.person("dina"))
    page.click("main button:has-text('Undo')")
    expect(page.locator(".toast")).to_contain_text("runs again as it was")
    expect(page.locator("#live .hero")).to_contain_text("Running")
    assert wrong == []
    page.context.close()


def test_stderr_is_not_shown_as_an_error(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, _ = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.live.pk}")
    # At once: the rows are gone as soon as the stream begins.
    colours, muted = page.evaluate(
        """() => {
             const colours = ["stdout", "stderr"].map((stream) => {
               const row = document.createElement("div");
               row.className = `line app ${stream}`;
               document.querySelector(".lines").append(row);
               const style = getComputedStyle(row);
               return [style.color, style.boxShadow.match(/rgb\\(.*?\\)/)?.[0] ?? ""];
             });
             const at = document.createElement("span");
             at.className = "at";
             document.querySelector(".line").append(at);
             return [colours, getComputedStyle(at).color];
           }"""
    )
    assert colours[0][0] == colours[1][0]
    assert colours[1][1] == muted
    page.context.close()


def test_the_public_page_is_sound(served: str, busy: "Harbour", browser: "Browser", axe: str) -> None:
    page = browser.new_context(bypass_csp=True).new_page()
    for host in (busy.building.name, busy.stopped.name):
        page.goto(f"{served}/preview-unavailable?host={host}.preview.localhost")
        assert grave_faults(page, axe) == []
        assert page.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "480px"
    page.context.close()


def test_grave_faults_are_found(browser: "Browser", axe: str) -> None:
    page = browser.new_context().new_page()
    page.set_content(
        "<html lang=en><title>A level of headings left out is not grave</title>"
        "<main><h1>One</h1><h3>Three</h3><img src='data:,'><p style='color: #ccc'>Pale</p></main>"
    )
    assert {rule for rule, _ in grave_faults(page, axe)} == {"image-alt", "color-contrast"}
    page.context.close()


# (what is changed about a text whose look has passed, what breaks)
PALER = [
    ("#text { color: #ccc }", {"color-contrast"}),
    ("main { background: #444 }", {"color-contrast"}),
    ("body { opacity: .3 }", {"color-contrast"}),
    ("#text { position: absolute; color: #ccc }", {"color-contrast"}),
    ("#text { padding: 1px }", set()),
]


@pytest.mark.parametrize(("style", "broken"), PALER)
def test_a_look_that_passed_passes_no_other(
    browser: "Browser", axe: str, style: str, broken: set[str]
) -> None:
    page = browser.new_context().new_page()
    page.set_content(
        "<html lang=en style='background: #fff'><title>Texts</title><main><h1>One</h1><p id=text>Dark</p></main>"
    )
    passed: set[str] = set()
    assert grave_faults(page, axe, passed) == []
    assert len(passed) == 2
    page.add_style_tag(content=style)
    assert {rule for rule, _ in grave_faults(page, axe, passed)} == broken
    assert len(passed) == 2, "what broke is asked again"
    page.context.close()


def test_the_public_page_follows_the_state(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, wrong = watched(browser, served)
    page.goto(f"{served}/preview-unavailable?host={busy.building.name}.preview.localhost")
    page.evaluate("window.unchanged = true")
    for _ in range(2):  # by the second look, it has acted on the first
        page.wait_for_event("response", lambda answer: answer.request.method == "HEAD")
    assert page.evaluate("window.unchanged"), "reloaded although nothing had changed"
    busy.building.state = "terminated"
    busy.building.save()
    page.wait_for_selector("text=The preview is stopped")
    assert [line for line in wrong if "503" not in line and "404" not in line] == []
    page.context.close()


def test_the_first_page_is_small(served: str, busy: "Harbour", browser: "Browser") -> None:
    page = browser.new_context().new_page()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(f"{served}/accounts/login/", wait_until="networkidle")
    comes_true(lambda: page.evaluate("document.fonts.check('16px Inter')") and len(sizes) >= 5)
    assert sum(sizes) <= BUDGET_BYTES
    page.context.close()


def test_rebuild_with_the_keyboard_alone(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, wrong = watched(browser, served)
    page.goto(f"{served}/accounts/login/")
    press_until(page, "document.activeElement.id === 'id_login'")
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/")
    comes_true(lambda: live_part_came(page))
    press_until(page, "document.activeElement.textContent === 'Move the search to its own service'")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{served}/environments/*")
    comes_true(lambda: live_part_came(page))
    press_until(page, "document.activeElement.textContent.trim() === 'Rebuild'")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] button")
    expect(page.locator("dialog[open]")).to_contain_text("Rebuild pr-3-chandlery?")
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open] button")
    press_until(page, "document.activeElement.matches('dialog button')")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Rebuild requested.")
    assert busy.failed.deployments.count() == 2
    assert wrong == []
    page.context.close()


def press_until(page: "Page", reached: str) -> None:
    for _ in range(40):
        if page.evaluate(reached):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the Tab key never came to: {reached}")


def test_state_changes_arrive_without_a_reload(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, wrong = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.building.pk}")
    page.evaluate("window.unchanged = true")
    assert "Building" in page.inner_text(".hero")
    candidate = busy.building.candidate
    assert candidate is not None
    candidate.phases.filter(name="build web").update(seconds=9.5)
    candidate.state, busy.building.state = "live", "running"
    busy.building.live, busy.building.candidate = candidate, None
    busy.building.services = [
        {
            "name": "web",
            "kind": "web",
            "state": "running",
            "labels": [busy.building.name],
            "container": "c0ffee",
        }
    ]
    candidate.save()
    busy.building.save()
    page.wait_for_selector(".hero .badge.good")
    assert "Running" in page.inner_text(".hero")
    assert page.locator("text=Open preview").count() == 1
    assert page.evaluate("window.unchanged")
    assert wrong == []
    page.context.close()


def test_a_details_box_stays_open_when_results_arrive(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    page, _ = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/evaluations/{busy.weak.pk}")
    page.click("summary >> nth=0")
    busy.weak.state = "errored"
    busy.weak.save()
    page.wait_for_selector(".hero >> text=Errored")
    assert page.evaluate("document.querySelector('details').open")
    page.context.close()


def test_the_first_command_can_be_copied(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, wrong = watched(browser, served, permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, served, "charlie")
    comes_true(lambda: live_part_came(page))
    page.click("text=Copy")
    expect(page.locator("text=Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == ".venv/bin/seatrial preview PATH"
    assert wrong == []
    page.context.close()


def test_pages_work_without_scripts(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, wrong = watched(browser, served, java_script_enabled=False)
    signed_in(page, served)
    page.goto(f"{served}/environments/{busy.live.pk}")
    page.click("text=Stop preview")
    expect(page.locator("main")).to_contain_text("Stop the preview pr-1-chandlery?")
    page.click("main button:has-text('Stop preview')")
    expect(page.locator(".toast")).to_contain_text("being stopped")
    page.click("main button:has-text('Undo')")
    expect(page.locator(".toast")).to_contain_text("runs again as it was")
    assert wrong == []
    page.context.close()


def test_the_theme_switch_holds(served: str, busy: "Harbour", browser: "Browser") -> None:
    page, _ = watched(browser, served, color_scheme="light")
    sign_in(page, served)

    def paper() -> str:
        page.wait_for_load_state()  # without its style a page has no colour
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = paper()
    page.click("button[value=dark]")
    page.wait_for_selector("html[data-theme=dark]")
    assert paper() != light
    page.goto(f"{served}/projects")
    assert paper() != light
    page.click("button[value=light]")
    page.wait_for_selector("html[data-theme=light]")
    assert paper() == light
    page.context.close()


def test_whoever_sent_what_was_refused_is_where_it_says_why(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    page, wrong = watched(browser, served)
    page.goto(f"{served}/accounts/login/")
    page.fill("#id_login", "alice")
    page.fill("#id_password", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator(".error[role=alert]:not([hidden])")).to_be_focused()
    signed_in(page, served)
    page.goto(f"{served}/projects/{busy.project.pk}/settings")
    page.evaluate("document.querySelector('main form').noValidate = true")
    page.fill("#id_ttl_hours", "0")
    page.keyboard.press("Enter")
    field = page.locator("#id_ttl_hours")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-describedby", "id_ttl_hours_helptext id_ttl_hours_error")
    expect(page.locator("#id_ttl_hours_error")).to_contain_text("greater than or equal to 1")
    assert wrong == []
    page.context.close()
