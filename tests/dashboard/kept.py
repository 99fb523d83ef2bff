"""Policies of the harbour that are kept in git: one file is broken, one policy is gone, and the branch went back."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.policies.digests.models import Digest
from seatrial.control.policies.digests.shape import DigestBody
from seatrial.control.policies.models import Policy
from seatrial.control.policies.source.models import Kept, KeptPolicy, PolicySource, SourceReview
from tests import factories as make
from tests.dashboard.harbour import Harbour


def kept(harbour: Harbour) -> PolicySource:
    """Make them. Call it once."""
    now = timezone.now()
    commit, before = make.sha("kept"), make.sha("before")
    workspace = harbour.cast.workspace
    wrong = [{"line": 7, "key": "", "text": "this is no Python: invalid syntax"}]
    source = PolicySource.objects.create(
        workspace=workspace, project=harbour.project, branch="main", folder="policies", by="alice", commit=commit,
        taken_at=now - timedelta(minutes=3), looked_at=now - timedelta(minutes=1), rewound_from=before, older=True,
        files=[
            {"path": "policies/owned_services.py", "policies": ["owned-services"], "broken": []},
            {"path": "policies/licence_present.py", "policies": [], "broken": wrong},
        ],
    )  # fmt: skip
    for slug, path, standing in (
        ("licence-present", "policies/licence_present.py", Kept.KEPT),
        ("images-by-digest", "policies/images_by_digest.py", Kept.GONE),
    ):
        policy = Policy.objects.get(workspace=workspace, slug=slug)
        KeptPolicy.objects.create(policy=policy, source=source, path=path, commit=commit, standing=standing)
    reviewed(source, harbour)
    return source


def reviewed(source: PolicySource, harbour: Harbour) -> None:
    """A pull request that would change four policies, of which one is broken and one fails its tests."""
    at = {"path": "policies/owned_services.py", "line": 1}
    changes = ("owned-services", "changed"), ("two-reviewers", "new"), ("images-by-digest", "gone")
    SourceReview.objects.create(
        source=source, pull_request=harbour.live.pull_request, commit=make.sha("proposed"), state="failed",
        finished_at=timezone.now(),
        found={
            "changes": [{"policy": slug, "change": change, **at} for slug, change in changes],
            "files": [source.files[1]],
            "untested": ["two-reviewers"],
        },
        failures=[{"policy": "owned-services", "test": "no services", **at, "text": "passed: expected true, said false"}],
    )  # fmt: skip


def digested(harbour: Harbour) -> Digest:
    """A digest with a row of each kind."""
    now = timezone.now()
    since = now - timedelta(weeks=1)
    change = {
        "project": harbour.project.pk, "project_name": "chandlery", "policy": "licence-present",
        "policy_name": "Licence present", "before": "passed", "now": "failed", "page_url": "http://localhost/evaluations/1",
    }  # fmt: skip
    waiver = {
        "project_name": "chandlery", "policy": "no-secrets", "requested_by": "dana", "expires_at": now + timedelta(days=3),
        "page_url": "http://localhost/waivers/1",
    }  # fmt: skip
    days = [
        {"day": (now - timedelta(days=back)).date(), "score": 60 + back % 9} for back in range(55, -1, -1)
    ]
    body = DigestBody.model_validate(
        {
            "since": since, "until": now, "score": {"now": 60.0, "before": 67.0, "projects": 5, "days": days},
            "newly_failing": [change, {**change, "before": None, "policy_name": "Owned services"}],
            "newly_passing": [{**change, "before": "failed", "now": "passed"}],
            "errored": [{**change, "now": "errored"}], "waivers_expiring": [waiver], "waivers_expired": [waiver],
            "left_out": 2,
        }
    )  # fmt: skip
    return Digest.objects.create(
        workspace=harbour.cast.workspace, since=since, until=now, body=body.model_dump(mode="json")
    )
