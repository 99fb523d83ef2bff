"""Every page in a real Chromium, wide and narrow, with everything on it opened: it is sound and it fits."""

from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import expect

from tests.dashboard.faults import grave_faults
from tests.dashboard.fixtures import as_json
from tests.dashboard.waiting import comes_true
from tests.home.test_browser import live_part_came, sign_in, signed_in, watched

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

    from tests.dashboard.harbour import Harbour
    from tests.dashboard.straits import Straits

pytestmark = [pytest.mark.chromium, pytest.mark.postgres]

# A page is loaded once, and looked at in each of these: sizes and colours are up to style sheets alone.
LOOKS: list[tuple["ViewportSize", Literal["light", "dark"]]] = [
    ({"width": 1440, "height": 900}, "light"),
    ({"width": 360, "height": 740}, "dark"),
]
# Opens every details box of a page that it did not find open, and tells what that squeezes or makes scroll sideways.
OPEN_ALL = """() => {
  const cells = [...document.querySelectorAll("main tr:not(.more) > *, .verdict > *")];
  const widths = () => cells.map((cell) => Math.round(cell.getBoundingClientRect().width));
  const boxes = [...document.querySelectorAll("main details")];
  window.foundClosed ??= boxes.filter((box) => !box.open);
  for (const box of window.foundClosed) box.open = false;
  const before = widths();
  for (const box of boxes) box.open = true;
  const squeezed = widths().flatMap((width, index) => width === before[index] ? [] : [`squeezed: ${cells[index].outerHTML}`]);
  const scrolling = [...document.querySelectorAll("main *")].filter((one) => one.scrollWidth > one.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map((one) => `scrolls: ${one.outerHTML}`);
  return [boxes.length, [...squeezed, ...scrolling].map((text) => text.slice(0, 200))];
}"""
# Tabs beyond the edge of the window, and ids that a field's description names and nothing has.
OUT_OF_REACH = """() => [
  ...[...document.querySelectorAll(".tab")].filter((one) => one.getBoundingClientRect().right > innerWidth).map((one) => one.textContent),
  ...[...document.querySelectorAll("[aria-describedby]")].flatMap((one) => one.getAttribute("aria-describedby").split(" "))
    .filter((id) => !document.getElementById(id)),
]"""


def paths(harbour: "Harbour", straits: "Straits") -> list[str]:
    from seatrial.control.forges.models import Delivery
    from tests.dashboard.authorized import authorized
    from tests.dashboard.saved import saved

    connection, asked = authorized(harbour)
    return [
        "/",
        "/projects",
        f"/projects/{harbour.project.pk}",
        f"/environments/{harbour.live.pk}",
        f"/environments/{harbour.building.pk}",
        f"/environments/{harbour.failed.pk}",
        f"/environments/{harbour.stopped.pk}",
        f"/environments/{harbour.kept.pk}",
        f"/environments/{harbour.away.pk}",
        f"/environments/{harbour.live.pk}/stop",
        f"/environments/{harbour.live.pk}/save-data",
        f"/projects/{saved(harbour).pk}/data",
        f"/projects/{harbour.project.pk}/pulls/{harbour.fork.number}/approve",
        *paths_of_policies(harbour),
        "/agents",
        f"/agents/{harbour.live.live.agent_id}",
        "/deliveries",
        f"/deliveries?connection={harbour.hosted.pk}",
        *(f"/deliveries/{row.pk}" for row in Delivery.objects.order_by("id")[1:3]),
        "/connections",
        "/connections/new",
        "/connections/new/github",
        "/connections/new/gitlab",
        f"/connections/{straits.ended.pk}",
        f"/projects/{straits.removed.pk}/settings",
        f"/projects/{straits.quiet.pk}",
        f"/connections/{connection.pk}",
        f"/connections/{connection.pk}/authorize",
        f"/connections/authorizations/{asked.pk}",
        f"/connections/{harbour.hosted.pk}",
        f"/connections/{harbour.hosted.pk}/private-key",
        "/connections/github-app",
        f"/connections/{harbour.hosted.pk}/webhook",
        f"/connections/{harbour.hosted.pk}/webhook?after={'0' * 26}",
        f"/connections/{harbour.hosted.pk}/access",
        f"/connections/{harbour.hosted.pk}/repositories",
        f"/connections/{harbour.hosted.pk}/first",
        f"/connections/{harbour.hosted.pk}/credential",
        f"/connections/{harbour.hosted.pk}/rotate",
        f"/connections/{harbour.hosted.pk}/remove",
        f"/projects/{harbour.project.pk}/settings",
        f"/projects/{harbour.project.pk}/archive",
        f"/projects/{harbour.project.pk}/remove",
        "/people",
        "/memberships",
        "/audit",
        "/styleguide",
        "/accounts/password/change/",
        "/accounts/security/",
        "/tokens",
        "/accounts/2fa/totp/activate/",
    ]


def paths_of_policies(harbour: "Harbour") -> list[str]:
    from tests.dashboard.gated import gated
    from tests.dashboard.kept import digested, kept
    from tests.dashboard.pictured import pictured
    from tests.dashboard.signed_in import signed_in
    from tests.dashboard.slept import asleep, unwakeable
    from tests.dashboard.tried import tried
    from tests.dashboard.varied import varied

    made = tried(harbour)
    review = kept(harbour).reviews.get()
    return [
        f"/policies/{harbour.cast.workspace.slug}/{made.policy.slug}/trials",
        f"/policies/{harbour.cast.workspace.slug}/licence-present",
        f"/trials/{made.tests.pk}",
        f"/trials/{made.trial.pk}",
        f"/replays/{made.replay.pk}",
        f"/evaluations/{harbour.evaluation.pk}",
        f"/evaluations/{harbour.weak.pk}",
        f"/evaluations/{harbour.floats.pk}",
        f"/evaluations/{harbour.weak.pk}/waive/licence-present",
        f"/evaluations/{harbour.weak.pk}/break-glass",
        "/waivers",
        "/waivers?state=any",
        f"/waivers/{harbour.asked.pk}",
        f"/waivers/{harbour.granted.pk}",
        "/policies",
        "/policies/scores",
        "/policies/notices",
        "/policies/digest",
        f"/digests/{digested(harbour).pk}",
        f"/policies/git/reviews/{review.pk}",
        "/policies/rescans",
        f"/projects/{harbour.project.pk}/badge",
        f"/projects/{harbour.project.pk}/access",
        f"/environments/{asleep(harbour).pk}",
        f"/environments/{unwakeable(harbour).pk}",
        f"/environments/{harbour.live.pk}/search?search=nothing",
        f"/environments/{gated(harbour).pk}/guests",
        f"/deployments/{pictured(harbour)[1].pk}",
        f"/deployments/{harbour.live.live_id}",
        f"/deployments/{pictured(harbour)[1].pk}/compared",
        f"/environments/{pictured(harbour)[1].environment_id}",
        *(f"/{place}/variables" for place in varied(harbour)),
        f"/projects/{harbour.project.pk}/variables/unset?name=STRIPE_KEY&tier=trusted",
        *(f"/{place}/registries" for place in signed_in(harbour)),
        f"/projects/{harbour.project.pk}/registries/remove?registry=registry.example.com&tier=trusted",
        f"/projects/{harbour.hosted.projects.earliest('id').pk}/badge",
        "/policies/network",
        "/policies/git",
        "/policies?search=nothing",
        "/policies/catalogue",
        "/policies/new",
        "/policies/import",
        *(
            f"/policies/harbour/owned-services{page}"
            for page in ("", "/edit", "/parameters", "/changes", "/versions/1")
        ),
        f"/policies/{harbour.cast.workspace.slug}/licence-present/rollout",
    ]


def test_every_page_is_sound_wide_and_light_and_narrow_and_dark(
    served: str, busy: "Harbour", browser: "Browser", axe: str
) -> None:
    from tests.dashboard.ashore import certificates
    from tests.dashboard.straits import trouble

    say_long_words(busy)
    straits = trouble(busy)
    passed: set[str] = set()
    page, wrong = watched(browser, served, reduced_motion="reduce")
    page.add_init_script(axe)  # sent once, not for every page
    sign_in(page, served)
    details = sum(
        opened_well(page, wrong, served, axe, path, passed)
        for path in ["/accounts/login/", *paths(busy, straits)]
    )
    assert details >= 5, "there was nothing to open"
    page.context.close()
    page, wrong = watched(browser, served, reduced_motion="reduce")
    sign_in(page, served, certificates())
    for path in ("/health", "/keys"):
        opened_well(page, wrong, served, axe, path, passed)
    page.context.close()


def opened_well(page: "Page", wrong: list[str], served: str, axe: str, path: str, passed: set[str]) -> int:
    """Open the page and look at it; returns how many details boxes it has."""
    page.goto(served + path)
    comes_true(lambda: live_part_came(page))
    assert page.locator("h1").count() == 1, path
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        opened = looks_well(page, axe, f"{path}, {size['width']} px {scheme}", passed)
    assert wrong == [], f"{path}: {as_json(wrong)}"
    return opened


def looks_well(page: "Page", axe: str, what: str, passed: set[str]) -> int:
    """Look at an open page as it is; returns how many details boxes it has."""
    opened, spoilt = page.evaluate(OPEN_ALL)
    assert not spoilt, f"{what}: {as_json(spoilt)}"
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{what} is {wide} px too wide"
    assert page.evaluate(OUT_OF_REACH) == [], what
    assert not page.evaluate("document.activeElement.matches('.risky')"), what
    faults = grave_faults(page, axe, passed)
    assert not faults, f"{what}: {as_json(faults)}"
    return int(opened)


def say_long_words(harbour: "Harbour") -> None:
    """What programs and policies say is as wide as they like."""
    from seatrial.control.audit import services as audit
    from seatrial.control.audit.actors import SYSTEM

    long = "x" * 500
    audit.record(
        "thing.change", f"thing/{long[:60]}", by=SYSTEM, workspace=harbour.cast.workspace.pk, details={"of": long}
    )  # fmt: skip
    harbour.weak.results.update(
        findings=[{"path": long, "line": 3, "message": long, "fix": long}],
        findings_left_out=7,
        details={"of": long, long[:80]: [1]},
        logs=[{"level": "info", "message": long}],
    )
    harbour.asked.reason = harbour.asked.requested_by = long[:200]
    harbour.asked.path = f"{long[:200]}/{long}"
    harbour.asked.save()
    harbour.failed.deployments.update(log_tail=[f"search | {long}", "search | \x1b[31mlast\x1b[0m"])


def test_pages_with_nothing_on_them_fit_a_narrow_screen(served: str, browser: "Browser") -> None:
    from tests import factories as make

    cast = make.Cast()
    project = make.project(cast.workspace)
    page, wrong = watched(browser, served, viewport={"width": 360, "height": 740})
    signed_in(page, served)
    empty = [
        "/",
        "/projects",
        f"/projects/{project.pk}",
        "/waivers",
        "/policies",
        "/policies/network",
        "/policies/git",
        "/policies?search=nothing",
        "/policies/catalogue",
        "/policies/new",
        "/policies/import",
        *(
            f"/policies/harbour/owned-services{page}"
            for page in ("", "/edit", "/parameters", "/changes", "/versions/1")
        ),
        "/agents",
        "/deliveries",
        "/connections",
        "/audit?actor=nobody",
    ]
    pull = make.pull_request(project)
    bare = [
        f"/environments/{make.environment(pull).pk}",
        f"/evaluations/{make.evaluation(pull, state='queued').pk}",
    ]
    for path in [*bare, *empty]:
        if path == "/":
            pull.environments.all().delete()
            pull.delete()
        if path == "/agents":
            project.delete()
        page.goto(served + path)
        comes_true(lambda: live_part_came(page))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
        assert page.locator("h1").count() == 1, path
    page.goto(f"{served}/nothing")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert [line for line in wrong if "404" not in line] == []
    page.context.close()


def test_the_first_steps_are_sound(served: str, browser: "Browser", axe: str, tmp_path: "Path") -> None:
    from tests import factories as make

    cast = make.Cast()
    cast.alice.is_superuser = True
    cast.alice.save()
    wrong = {
        "about": "namespaces",
        "well": False,
        "text": "y" * 200,
        "fix": "sysctl -w one\ndocker restart two",
    }
    dock = make.agent(
        "dock", release="9.0", heartbeat={"sandbox": "runc", "warnings": ["x" * 200], "host": [wrong]}
    )
    for width in (1280, 360):
        see_what_the_instance_admin_sees(browser, served, axe, width, tmp_path, dock.pk)


def see_what_the_instance_admin_sees(
    browser: "Browser", served: str, axe: str, width: int, pictures: "Path", agent: str
) -> None:
    page, wrong = watched(browser, served, viewport={"width": width, "height": 800})

    def sound(name: str) -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert grave_faults(page, axe) == [] and wrong == []
        page.screenshot(path=pictures / f"{name}-{width}.png", full_page=True)

    sign_in(page, served)
    page.get_by_role("link", name="Go on with the set-up").click()
    comes_true(lambda: live_part_came(page))
    sound("setup")
    page.goto(f"{served}/agents/{agent}")
    comes_true(lambda: live_part_came(page))
    sound("agent")
    page.get_by_role("link", name="Drain").click()
    expect(page.get_by_role("heading", name="Drain dock?")).to_be_visible()
    sound("drain")
    page.goto(f"{served}/agents/new")
    sound("new-agent")
    page.get_by_label("Name").fill("dock-2")
    page.get_by_role("button", name="Make a token").click()
    expect(page.get_by_role("heading", name="The token of dock-2")).to_be_visible()
    sound("token")
    page.context.close()


def test_opened_details_leave_the_columns_as_they_were(
    served: str, busy: "Harbour", browser: "Browser"
) -> None:
    from seatrial.control.audit import services as audit
    from seatrial.control.audit.actors import SYSTEM

    space = busy.cast.workspace.pk
    audit.record("thing.change", "thing/1", by=SYSTEM, workspace=space, details={"of": "x" * 500})
    widths = "[...document.querySelectorAll('thead th')].map((cell) => Math.round(cell.offsetWidth))"
    page, _ = watched(browser, served)
    signed_in(page, served)
    page.goto(f"{served}/audit")
    before = page.evaluate(widths)
    row = page.locator("tr", has_text="thing/1")
    row.locator("summary").click()
    shown = page.locator(f"tr.more:has-text('{'x' * 500}')")
    expect(shown).to_be_visible()
    assert page.evaluate(widths) == before
    assert shown.locator("pre").bounding_box()["width"] > 600
    row.locator("summary").click()
    expect(shown).to_be_hidden()
    page.context.close()
