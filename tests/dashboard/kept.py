"""Policies of the harbour that are kept in git: one file is broken, one policy is gone, and the branch went back."""

from datetime import timedelta

from django.utils import timezone

from seatrial.control.policies.models import Policy
from seatrial.control.policies.source.models import Kept, KeptPolicy, PolicySource
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
    return source
