"""Policies kept in a git repository: what is pushed to the one branch becomes versions, and nothing else does."""

from pathlib import Path

import pytest

from seatrial.control.accounts.models import User
from seatrial.control.audit.actors import Actor
from seatrial.control.audit.models import AuditEntry
from seatrial.control.forges.connected import Forges
from seatrial.control.forges.errors import ForgeError
from seatrial.control.outbox.models import OutboxMessage
from seatrial.control.outbox.services import Instruction
from seatrial.control.policies.authoring import writing
from seatrial.control.policies.authoring.importing import import_files
from seatrial.control.policies.errors import BadSource, KeptInGit, NotKept
from seatrial.control.policies.models import Policy, PolicyVersion
from seatrial.control.policies.notices.models import Notice, Subscription
from seatrial.control.policies.source import services, taking
from seatrial.control.policies.source.models import Kept, PolicySource
from seatrial.control.policies.source.reading import Tip, tip_of
from seatrial.control.projects.events import Pushed
from seatrial.control.triggers.events import ref_changed
from tests import factories as make
from tests.repositories import Repository

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
OLGA = Actor.person("olga")


def code(says: str, name: str = "One") -> str:
    return (
        f'NAME = "{name}"\n\n\ndef evaluate(project):\n    return {{"passed": True, "message": "{says}"}}\n'
    )


STANDARD = """slug: from-yaml
name: From YAML
code: |
  def evaluate(project):
      return {"passed": True}
"""


class Rules:
    """A workspace that keeps its policies in `policies` on `main` of a repository of this machine."""

    def __init__(self, path: Path) -> None:
        self.repository = Repository(path / "rules")
        self.first = self.push({"policies/one.py": code("first"), "README.md": "# Rules\n"})
        self.owner, self.dana, self.stranger = make.user("olga"), make.user("dana"), make.user("sam")
        self.workspace = make.workspace("shop", owner=self.owner, developer=self.dana)
        make.workspace("elsewhere", owner=self.stranger)
        self.project = make.project(self.workspace, "rules", external_id=str(self.repository.path))
        services.set_source(self.workspace, self.project, "main", "policies", by=OLGA)

    @property
    def source(self) -> PolicySource:
        return PolicySource.objects.select_related("project").get(workspace=self.workspace)

    def push(self, files: dict[str, str], **more: str) -> str:
        return self.repository.commit(files, **more)

    def sync(self) -> PolicySource:
        taking.sync(Forges(), {"source": self.source.pk})
        return self.source

    def newest(self, slug: str = "one") -> PolicyVersion:
        return PolicyVersion.objects.filter(policy__slug=slug).order_by("-number")[0]

    def policy(self, slug: str = "one") -> Policy:
        return Policy.objects.get(workspace=self.workspace, slug=slug)


@pytest.fixture
def rules(tmp_path: Path) -> Rules:
    made = Rules(tmp_path)
    made.sync()
    return made


def asked() -> int:
    return OutboxMessage.objects.filter(subject=Instruction.POLICIES).count()


def test_a_file_becomes_a_draft_and_each_change_a_version_that_names_its_commit(rules: Rules) -> None:
    first = rules.newest()
    assert (first.number, first.policy.level, first.author) == (1, "draft", f"git rules {rules.first[:10]}")
    assert first.note == f"From policies/one.py at {rules.first[:10]}"
    pushed = rules.push({"policies/one.py": code("second"), "policies/deep/standards.yaml": STANDARD})
    source = rules.sync()
    assert (source.commit, source.problem, source.broken, source.rewound_from) == (pushed, "", 0, "")
    assert rules.newest().number == 2 and "second" in rules.newest().code
    assert rules.policy("from-yaml").kept.path == "policies/deep/standards.yaml"
    assert [one["path"] for one in source.files] == ["policies/deep/standards.yaml", "policies/one.py"]
    rules.sync()
    assert rules.newest().number == 2, "the same commit is taken once"


def test_a_broken_file_keeps_its_version_says_where_and_leaves_the_others_alone(rules: Rules) -> None:
    rules.push({"policies/one.py": "def evaluate(:\n", "policies/two.py": code("two", "Two")})
    told = {"url": "https://chat.example.test", "kinds": ["policies_broken"], "secret": "s" * 32}
    Subscription.objects.create(workspace=rules.workspace, **told)
    source = rules.sync()
    said = Notice.objects.get().body["policies"]
    assert (said["commit"], said["broken"][0]["path"]) == (source.commit, "policies/one.py")
    assert source.broken == 1 and rules.newest().number == 1 and rules.newest("two").number == 1
    (wrong,) = source.files[0]["broken"]
    assert wrong["line"] == 1 and "no Python" in wrong["text"]
    assert rules.policy().kept.standing == Kept.KEPT, "a file that cannot be read is not gone"


def test_a_pull_request_and_other_branches_change_nothing(rules: Rules) -> None:
    proposed = rules.push({"policies/one.py": code("sneaky")}, branch="sneaky")
    make.pull_request(rules.project, head_sha=proposed, branch="sneaky")
    before = asked()
    pushed = {"external_id": rules.project.external_id, "author": "eve"}
    ref_changed(rules.project, Pushed(ref="refs/heads/sneaky", commit=proposed, **pushed))
    ref_changed(rules.project, Pushed(ref="refs/tags/main", commit=proposed, **pushed))
    assert asked() == before
    # Not even when the event lies about the branch: what is there, the forge is asked
    ref_changed(rules.project, Pushed(ref="refs/heads/main", commit=proposed, **pushed))
    assert asked() == before + 1
    assert rules.sync().commit == rules.first and rules.newest().number == 1


def test_a_branch_that_goes_back_makes_a_version_that_says_so(rules: Rules) -> None:
    second = rules.push({"policies/one.py": code("second")})
    rules.sync()
    rules.repository.git("reset", "-q", "--hard", rules.first)
    source = rules.sync()
    assert (source.rewound_from, source.older) == (second, True)
    assert rules.newest().number == 3 and "first" in rules.newest().code
    assert rules.newest().note.endswith(f"which is older than {second[:10]}")
    entry = AuditEntry.objects.filter(action="policies.take").latest("id")
    assert (entry.details["before"], entry.details["course"]) == (second, "older")
    rewritten = rules.push({"policies/one.py": code("third")})
    assert rules.sync().rewound_from == "", "that one follows"
    rules.repository.git("checkout", "-q", "--orphan", "anew")
    rules.push({"policies/one.py": code("anew")})
    rules.repository.git("branch", "-f", "main", "HEAD")
    source = rules.sync()
    assert (source.rewound_from, source.older) == (rewritten, False)
    assert "the branch was rewritten" in rules.newest().note


def test_a_file_that_is_deleted_leaves_its_policy_running_and_marked(rules: Rules) -> None:
    Policy.objects.update(level="soft")
    (rules.repository.path / "policies/one.py").unlink()
    rules.push({"policies/two.py": code("two", "Two")})
    rules.sync()
    policy = rules.policy()
    assert (policy.enabled, policy.level, policy.kept.standing) == (True, "soft", Kept.GONE)
    writing.edit(policy, code("here"), based_on=1, by=OLGA)
    rules.push({"policies/one.py": code("back")})
    rules.sync()
    assert rules.policy().kept.standing == Kept.KEPT and "back" in rules.newest().code


def test_what_is_kept_in_git_is_not_changed_here_until_it_is_taken_over(rules: Rules) -> None:
    policy = rules.policy()
    with pytest.raises(KeptInGit, match=r"policies/one.py of rules, branch main"):
        writing.edit(policy, code("here"), based_on=1, by=OLGA)
    with pytest.raises(KeptInGit):
        writing.revert(policy, 1, based_on=1, by=OLGA)
    outcome = import_files(rules.workspace, [("one.py", code("imported"))], by=OLGA)
    assert outcome.changed == [] and "kept in git" in outcome.broken[0].text
    services.release(policy, by=OLGA)
    assert writing.edit(policy, code("here"), based_on=1, by=OLGA).number == 2
    rules.push({"policies/one.py": code("there")})
    rules.sync()
    assert "here" in rules.newest().code
    services.give_back(policy, by=OLGA)
    rules.sync()
    assert "there" in rules.newest().code and rules.newest().number == 3
    with pytest.raises(NotKept):
        services.release(make.policy(rules.workspace, "Own").policy, by=OLGA)


def test_of_two_that_read_at_once_the_later_tip_stays(rules: Rules) -> None:
    read = rules.source
    slow = tip_of(Forges().of(rules.project.connection).contents(rules.project), "main", "policies", "")
    assert isinstance(slow, Tip)
    newer = rules.push({"policies/one.py": code("newer")})
    rules.sync()
    before = asked()
    taking.take_tip(read, slow)
    assert rules.source.commit == newer and "newer" in rules.newest().code and asked() == before + 1


def test_a_branch_that_cannot_be_read_is_said_and_asked_again(rules: Rules) -> None:
    PolicySource.objects.update(branch="mian")
    with pytest.raises(ForgeError):
        rules.sync()
    assert "no branch mian" in rules.source.problem and rules.newest().number == 1
    PolicySource.objects.update(branch="main")
    assert rules.sync().problem == ""


def test_it_is_looked_at_every_few_minutes_once(rules: Rules) -> None:
    before = asked()
    services.ask_due()
    assert asked() == before
    PolicySource.objects.update(asked_at=None, looked_at=None)
    services.ask_due()
    services.ask_due()
    assert asked() == before + 1


def test_a_policy_that_was_here_before_is_continued_and_keeps_its_level(tmp_path: Path) -> None:
    rules = Rules(tmp_path)
    mine = writing.create(rules.workspace, "one", code("mine"), by=OLGA)
    Policy.objects.update(level="soft")
    rules.sync()
    assert rules.newest().number == 2 and rules.policy().pk == mine.pk and rules.policy().level == "soft"


@pytest.mark.parametrize(
    ("branch", "folder"), [("a b", ""), ("x" * 251, ""), ("main", "../other"), ("main", "a//b"), ("\x1b", "")]
)
def test_what_cannot_be_a_source_is_refused_and_changes_nothing(
    rules: Rules, branch: str, folder: str
) -> None:
    with pytest.raises(BadSource):
        services.set_source(rules.workspace, rules.project, branch, folder, by=OLGA)
    with pytest.raises(BadSource, match="another workspace"):
        services.set_source(
            rules.workspace, make.project(make.workspace("other"), "theirs"), "main", "", by=OLGA
        )
    assert rules.source.commit == rules.first


def test_more_files_than_can_be_policies_are_refused(rules: Rules) -> None:
    rules.push({f"policies/p{number}.py": "" for number in range(501)})
    with pytest.raises(ForgeError, match="500 are read at most"):
        rules.sync()
    assert Policy.objects.count() == 1


def client(who: User):  # type: ignore[no-untyped-def]
    from django.test import Client

    made = Client()
    made.force_login(who)
    return made


@pytest.mark.parametrize(("who", "status"), [("dana", 403), ("stranger", 404), ("owner", 200)])
def test_only_who_manages_policies_says_where_they_are_kept(rules: Rules, who: str, status: int) -> None:
    them = client(getattr(rules, who))
    address = "/api/v1/workspaces/shop/policy-source"
    wanted = {"project": "rules", "branch": "main", "folder": "policies"}
    policy = rules.policy()
    kept = f"/api/v1/policies/{policy.pk}/kept"
    assert them.patch(address, wanted, "application/json").status_code == status
    assert them.post(f"{address}/sync").status_code == status
    assert them.patch(kept, {"kept": False}, "application/json").status_code == status
    page = 302 if status == 200 else status
    assert them.post(f"/policies/git/{rules.workspace.pk}/sync").status_code == page
    assert them.post("/policies/shop/one/kept", {"kept": "yes"}).status_code == page
    form = {f"s{rules.workspace.pk}-project": rules.project.pk, f"s{rules.workspace.pk}-branch": "main"}
    assert them.post(f"/policies/git/{rules.workspace.pk}/set", form).status_code == page
    assert them.post(f"/policies/git/{rules.workspace.pk}/remove").status_code == page
    assert them.delete(address).status_code == (404 if status == 200 else status), "it is removed already"
    assert them.get(address).status_code == (200 if who == "dana" else 404)
    assert PolicySource.objects.exists() == (status != 200)


def test_pages_say_what_is_kept_what_is_broken_and_what_went_back(rules: Rules) -> None:
    them = client(rules.dana)
    page = them.get("/policies/git").content.decode()
    assert "policies/one.py" in page and "Save</button>" not in page
    assert "Kept in git:" in them.get("/policies/shop/one").content.decode()
    assert "Edit</a>" not in client(rules.owner).get("/policies/shop/one").content.decode()
    assert client(rules.owner).get("/policies/shop/one/edit").status_code == 302
    rules.push({"policies/one.py": "x ="})
    rules.sync()
    assert "policies/one.py:1" in them.get("/policies/git").content.decode()
    assert "Version 1 stays in force" in them.get("/policies/shop/one").content.decode()
    row = them.get("/api/v1/workspaces/shop/policy-source").json()
    assert row["files"][0]["broken"][0]["line"] == 1 and row["policies"][0]["standing"] == "kept"
    rules.repository.git("reset", "-q", "--hard", rules.first)
    rules.sync()
    assert "The branch went back" in them.get("/policies/git").content.decode()
    answer = client(rules.owner).patch(
        "/api/v1/workspaces/shop/policy-source", {"project": "nope"}, "application/json"
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_source")
    PolicySource.objects.all().delete()
    assert "Kept here only" in them.get("/policies/git").content.decode()
    assert them.get("/api/v1/workspaces/shop/policy-source").status_code == 404
