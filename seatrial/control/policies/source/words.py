"""A source in sentences, the same for pages and REST."""

from urllib.parse import quote

from seatrial.control.forges.registry import FORGES
from seatrial.control.policies.source.models import PolicySource

SHORT = 10


def file_page(source: PolicySource, path: str) -> str:
    """The address of the file's page at its code host; empty where there is none."""
    project = source.project
    forge = FORGES.get(project.connection.forge)
    if forge is None or not forge.file_path or not project.web_url:
        return ""
    place = forge.file_path.format(branch=quote(source.branch, safe="/"), path=quote(path, safe="/"))
    return f"{project.web_url}{place}"


def why_rewound(source: PolicySource) -> str:
    """What happened to the branch when what was taken last did not follow what was taken before; empty if it did."""
    if not source.rewound_from:
        return ""
    now, before = source.commit[:SHORT], source.rewound_from[:SHORT]
    if source.older:
        return f"The branch went back: {now} is older than {before}, which was taken before. What differs became new versions."
    return f"The branch was rewritten: {now} does not follow {before}, which was taken before. What differs became new versions."
