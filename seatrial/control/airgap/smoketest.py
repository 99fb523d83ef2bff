"""The checks of `airgap_smoketest`, in their order. All are made, whatever the others find."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from urllib.request import getproxies

from django.db import Error

from seatrial.control.airgap import agents, bundle, clocks, database, gitlab, hosts, isolation, names, site
from seatrial.control.airgap.agents import Surveyed
from seatrial.control.airgap.findings import Finding, fail, ok, warn
from seatrial.control.configuration import Configuration
from seatrial.wire.hosts import MOST_NAMES, AskHost

Check = Callable[[], Iterable[Finding]]


class Smoketest:
    """One run. `findings` gives each line as soon as it is known, and never raises: a check that breaks is a finding."""

    def __init__(self, configuration: Configuration, *, check_isolation: bool) -> None:
        self._configuration = configuration
        self._check_isolation = check_isolation
        self._surveys: list[Surveyed] = []

    def findings(self) -> Iterator[Finding]:
        """GITLAB_URL, REQUESTS_CA_BUNDLE and GitLab come first, isolation last."""
        configuration = self._configuration
        checks: list[Check] = [
            lambda: gitlab.address(configuration),
            lambda: bundle.of_requests(configuration),
            self._gitlab,
            lambda: map(names.resolved, names.to_resolve(configuration)),
            lambda: site.answers(configuration),
            lambda: [site.callback(configuration)],
            self._closed,
            database.answers,
            self._hosts,
        ]
        if self._check_isolation:
            checks += [lambda: isolation.checked(getproxies()), self._isolation_of_hosts]
        for check in checks:
            yield from _guarded(check)

    def _gitlab(self) -> Iterator[Finding]:
        probed = gitlab.probed(self._configuration)
        if probed is None:
            return
        finding, answer = probed
        yield finding
        if answer is not None:
            yield clocks.of_forge(answer.headers, datetime.now(UTC))

    def _closed(self) -> Iterator[Finding]:
        if self._configuration.airgapped:
            yield ok(
                "AIRGAPPED=True: requests go to the code host, to this machine and to what the settings name, and nowhere else"
            )
        else:
            yield warn(
                "AIRGAPPED is not True: sign-in and connections may ask hosts outside. Set AIRGAPPED=True"
            )

    def _hosts(self) -> Iterator[Finding]:
        try:
            known = agents.awaited()
        except Error:
            return  # said by the database's own line
        if not known:
            yield fail(hosts.NO_AGENT)
            return
        asked = AskHost(
            names=names.to_resolve(self._configuration)[:MOST_NAMES], outside=self._check_isolation
        )
        try:
            self._surveys = agents.surveyed(self._configuration, known, asked)
        except agents.AWAY as error:
            yield fail(
                f"the bus does not answer at {self._configuration.galley_nats_url}: {str(error) or type(error).__name__}. Start it, and check "
                "GALLEY_NATS_URL and GALLEY_NATS_CREDENTIALS"
            )
            return
        for surveyed in self._surveys:
            yield from hosts.about(surveyed)

    def _isolation_of_hosts(self) -> Iterator[Finding]:
        for surveyed in self._surveys:
            yield from hosts.isolation(surveyed)
        if not any(surveyed.report for surveyed in self._surveys):
            yield warn(
                "isolation was seen from here only: no agent could be asked what its host and its sandboxes reach"
            )


def _guarded(check: Check) -> Iterator[Finding]:
    try:
        yield from check()
    except Exception as error:  # whatever an operator has set: a line, and the other checks
        yield fail(f"a check could not be made: {type(error).__name__}: {error}. The other lines still hold")
