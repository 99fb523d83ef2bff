"""Fixtures: one platform per test session; tests use repositories of their own."""

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import trustme
from playwright.sync_api import Page, expect

from e2e.platform import Platform, eventually
from e2e.stage import Stage, set_up
from tests.dashboard.chromium import browsing
from tests.engines import require

HERE = Path(__file__).parent
expect.set_options(timeout=180_000)  # a busy machine is slow, and waiting costs nothing where it is not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give these tests more time: on a busy machine, a whole platform takes longer than a part of it."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(1_800))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """The authority of an organisation whose code host has a certificate of it."""
    return trustme.CA()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA) -> Iterator[Platform]:
    """A running platform that trusts `authority`, purged at the end."""
    require("docker")
    require("gvisor")
    directory = tmp_path_factory.mktemp("seatrial")
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    settings = {"GITGRIT_CUSTOM_CA_FILE_PATH": str(directory / "authority.pem"), "AIRGAPPED": "True"}
    platform = Platform(directory / "data", settings=settings)
    try:
        platform.up()
        try:
            eventually(
                lambda: platform.status()["agents"][0]["state"] == "online", what="the agent is online"
            )
        except AssertionError as error:
            error.add_note(platform.last_words())
            raise
        yield platform
    finally:
        platform.purge()


@pytest.fixture(scope="session")
def stage(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Two previews on the platform, for all attacks."""
    return set_up(platform, tmp_path_factory.mktemp("stage"))


@pytest.fixture(scope="module")
def page(platform: Platform) -> Iterator[Page]:
    """A browser in which the platform's admin is signed in."""
    with browsing() as browser:
        # Code hosts have a certificate of an organisation, which a browser of that organisation knows
        page = browser.new_page(base_url=f"http://localhost:{platform.port}", ignore_https_errors=True)
        page.set_default_timeout(180_000)
        page.goto("/")
        page.get_by_label("Username").fill("admin")
        page.get_by_label("Password").fill((platform.directory / "admin-password").read_text().strip())
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page).not_to_have_url(re.compile("/accounts/login"))
        yield page


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the last log lines of its platforms to the report of a failed test."""
    report = yield
    if report.failed and call.when == "call":
        for name, value in item.funcargs.items():
            if isinstance(value, Platform):
                report.sections.append((f"logs of `{name}`", value.last_words()))
    return report


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where a test keeps its repositories."""
    return tmp_path
