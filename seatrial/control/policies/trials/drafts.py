"""What is tried: a policy's code as it stands in a file or a version, with everything that its result depends on."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from seatrial.control.policies import packs
from seatrial.control.policies.criteria import check_criteria
from seatrial.control.policies.errors import BadCriteria, BadMetadata
from seatrial.control.policies.models import PolicyVersion
from seatrial.wire.envelope import new_id
from seatrial.wire.evaluations import PolicyToRun
from seatrial.wire.trials import PolicyOnTrial, PolicyTest


@dataclass(frozen=True)
class Draft:
    """`key` is the id of the version that it is, or made up for code that nobody has saved."""

    slug: str
    code: str
    key: str = field(default_factory=new_id)
    params: dict[str, Any] = field(default_factory=dict)
    network: bool = False  # it asks for it
    withheld: bool = (
        False  # and may not have it, whatever the workspace permits: nobody who may decide that has read it
    )
    live: bool = False  # it looks at the preview of the commit
    languages: list[str] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As `Trial.tried` holds it."""
        return asdict(self)

    def without_tests(self) -> "Draft":
        """To be run on a commit."""
        return replace(self, tests=[])

    def without_network(self) -> "Draft":
        """It may not have the network."""
        return replace(self, withheld=True)

    def on_trial(self, *, network: bool) -> PolicyOnTrial:
        """As an agent is given it; `network`: whether it gets the network that it asks for."""
        policy = PolicyToRun(
            version_id=self.key,
            slug=self.slug,
            code=self.code,
            digest=hashlib.sha256(self.code.encode()).hexdigest(),
            params=self.params,
            languages=self.languages,
            live=self.live,
            network=self.network and network and not self.withheld,
        )
        return PolicyOnTrial(policy=policy, tests=[PolicyTest.model_validate(test) for test in self.tests])


def of_file(slug: str, code: str, params: Mapping[str, Any] | None = None) -> Draft:
    """The policy in a file, with some of its parameters changed. Raises BadMetadata, BadCriteria."""
    try:
        packed = packs.parse(slug, code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadMetadata(f"{slug}: {_said(error)}") from error
    return Draft(
        slug=slug,
        code=code,
        params={**packed.params, **(params or {})},
        network=packed.network,
        live=packed.live,
        languages=list(check_criteria(packed.criteria).languages),
        tests=packed.tests,
    )


def of_version(version: PolicyVersion, params: Mapping[str, Any] | None = None) -> Draft:
    """A policy's version, with some of its parameters changed."""
    return Draft(
        slug=version.policy.slug,
        code=version.code,
        key=version.pk,
        params={**version.params, **(params or {})},
        network=version.network,
        live=version.live,
        languages=_languages(version.policy.criteria),
        tests=version.tests,
    )


def of_rows(rows: Sequence[Mapping[str, Any]]) -> list[Draft]:
    """Those that `Trial.tried` holds."""
    return [Draft(**row) for row in rows]


def _languages(criteria: Any) -> list[str]:
    """None of criteria that are of no use: what the policy says is asked, not whether it is chosen."""
    try:
        return list(check_criteria(criteria).languages)
    except BadCriteria:
        return []


def _said(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"line {error.lineno or 1}: {error.msg}. It must be one file of Python."
    if isinstance(error, ValueError):
        return f"{error}. NAME, CRITERIA, PARAMS, NETWORK, LIVE and TESTS are plain literals."
    return "it is nested too deep to be read."
