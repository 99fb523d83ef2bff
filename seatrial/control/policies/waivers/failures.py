"""What in an evaluation can be waived."""

from seatrial.control.policies.errors import HardPolicy, NothingToWaive
from seatrial.control.policies.findings import all_of, findings_of, place
from seatrial.control.policies.models import Evaluation, Result
from seatrial.control.policies.waivers.scope import MOST_FINGERPRINT, MOST_PATH, Scope, inside
from seatrial.control.policies.waivers.services import newest_version
from seatrial.wire.states import Level, ResultState
from seatrial.wire.visible import visible

MOST_OFFERED = 50
MOST_WORDS = 200  # characters


def failed_result(evaluation: Evaluation, policy: str) -> Result:
    """The failure of the policy with this slug. Raises NoSuchPolicy, HardPolicy, and NothingToWaive if it did not fail."""
    newest = newest_version(evaluation.project, policy)
    rows = evaluation.results.filter(version__policy=newest.policy_id).select_related("version__policy")
    result = rows.first()
    if result is None:
        raise NothingToWaive(f"{newest.policy.slug} has no result at {evaluation.commit[:10]}.")
    if result.state != ResultState.FAILED:
        raise NothingToWaive(
            f"{newest.policy.slug} is {result.state} at {evaluation.commit[:10]}: only what failed can be waived."
        )
    if result.level is Level.HARD:
        raise HardPolicy(
            f"{newest.policy.slug} was a hard policy at {evaluation.commit[:10]}: nothing waives it."
        )
    if result.version_id != newest.pk:
        raise NothingToWaive(
            f"{newest.policy.slug} has a new version since it ran at {evaluation.commit[:10]}. Run the policies again first."
        )
    return result


def scopes(result: Result) -> dict[Scope, str]:
    """What a waiver of this failure can cover, in words for people: the whole policy, and each file and each finding in which
    something was found.

    Only the whole policy where the result does not list all that was found.
    """
    offered = {Scope(): "The whole policy"}
    for finding in all_of(result):
        path, fingerprint = finding.path, finding.fingerprint
        if 0 < len(path) <= MOST_PATH and visible(path) == path:
            offered[Scope(path=path)] = path
        if 0 < len(fingerprint) <= MOST_FINGERPRINT and visible(fingerprint) == fingerprint:
            offered[Scope(fingerprint=fingerprint)] = visible(
                f"Only {place(finding)}: {finding.message}"[:MOST_WORDS]
            )
    return dict(list(offered.items())[:MOST_OFFERED])


def is_found_in(result: Result, path: str) -> bool:
    """Whether the policy found something in this file, or below this folder."""
    return any(inside(finding.path, path) for finding in findings_of(result))
