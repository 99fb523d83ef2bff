"""What a policy found, one by one, as it stands in a result's details."""

from collections.abc import Mapping
from typing import Any

FINDINGS = "findings"  # objects with `file` (or `path`) and `line`
LEFT_OUT = "findings_left_out"  # how many more there are
PATHS = ("file", "path")
FINGERPRINT = "fingerprint"


def findings(details: Any) -> list[Mapping[str, Any]]:
    """The findings in a result's details, whatever a policy wrote there."""
    found = details.get(FINDINGS) if isinstance(details, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def complete(details: Any) -> bool:
    """Whether the findings are all that the policy found. It is believed unless the policy says that it left some out."""
    return isinstance(details, dict) and not details.get(LEFT_OUT)


def path_of(finding: Mapping[str, Any]) -> str:
    """The file that a finding is in; empty if it does not say."""
    return next((finding[name] for name in PATHS if isinstance(finding.get(name), str)), "")


def fingerprint_of(finding: Mapping[str, Any]) -> str:
    """What tells this finding from all others, at every commit; empty if the policy does not say."""
    value = finding.get(FINGERPRINT)
    return value if isinstance(value, str) else ""
