"""The files of a branch, read at every kind of forge."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dulwich.errors import GitProtocolError

from seatrial.control.accounts.models import Workspace
from seatrial.control.forges import contents
from seatrial.control.forges.contents import GitOverHttp
from seatrial.control.forges.errors import ForgeError
from seatrial.control.forges.protocol import Contents, FetchCredential
from seatrial.control.forges.registry import registered
from seatrial.control.projects.models import Connection, Project
from tests.forges.hosts.kinds import SITES
from tests.forges.hosts.site import Site
from tests.repositories import Repository, git

BOT, NAME = "seatrial-bot", "acme/rules"


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Two commits on main, and one on another branch."""
    made = Repository(tmp_path_factory.mktemp("rules") / "rules")
    made.commit({"policies/a.py": "first", "policies/deep/b.py": "b", "other/c.py": "c", "ü.txt": b"\xff"})
    (made.path / "policies/link.py").symlink_to("/etc/passwd")
    made.commit({"policies/a.py": "second"})
    made.commit({"policies/a.py": "proposed"}, branch="proposal")
    made.git("checkout", "-q", "main")
    return made


@pytest.fixture(params=[*SITES, "local"])
def there(request: pytest.FixtureRequest, tmp_path: Path, rules: Repository) -> Iterator[Contents]:
    kind = request.param
    workspace = Workspace(slug="ours", name="Ours")
    if kind == "local":
        connection = Connection(workspace=workspace, forge="local", name="local")
        project = Project(workspace=workspace, connection=connection, external_id=str(rules.path))
        yield registered("local").bind(connection).contents(project)
        return
    site: Site = SITES[kind](tmp_path / kind)
    site.person(BOT)
    with site.serving():
        hosted = site.repository(NAME, rules.path, admin=BOT)
        git(hosted.path, "config", "uploadpack.allowFilter", "true")
        git(hosted.path, "config", "uploadpack.allowAnySHA1InWant", "true")
        token = site.people[BOT].token
        connection = Connection(
            workspace=workspace, forge=site.kind, name="g", base_url=site.url, credential=token
        )
        project = Project(
            workspace=workspace, connection=connection, name="rules", full_name=NAME,
            external_id=str(hosted.id), clone_url=f"{site.url}/{NAME}.git",
        )  # fmt: skip
        yield registered(site.kind).bind(connection).contents(project)


def test_the_files_of_a_folder_are_read_as_the_branch_has_them(there: Contents, rules: Repository) -> None:
    tip = there.tip("main")
    assert tip == rules.git("rev-parse", "main")
    files = there.files(tip, "policies")
    assert sorted(files) == ["policies/a.py", "policies/deep/b.py"], "neither links nor other folders"
    assert there.texts(files.values()) == {files["policies/a.py"]: "second", files["policies/deep/b.py"]: "b"}
    assert there.files(tip, "policies/a.py") in ({}, {"policies/a.py": files["policies/a.py"]})
    assert there.files(tip, "nowhere") == {}
    everything = there.files(tip, "")
    assert {"other/c.py", "ü.txt"} < set(everything)
    assert there.texts([everything["ü.txt"]]) == {everything["ü.txt"]: "\ufffd"}


def test_an_older_commit_is_known_from_a_newer_one(there: Contents, rules: Repository) -> None:
    new, old = rules.git("rev-parse", "main"), rules.git("rev-parse", "main~1")
    assert there.follows(new, old) and there.follows(new, new)
    assert not there.follows(old, new) and not there.follows(new, "0" * 39 + "1")


def test_a_branch_that_is_not_there_is_said(there: Contents) -> None:
    with pytest.raises(ForgeError, match="no branch mian"):
        there.tip("mian")


@pytest.fixture
def site(tmp_path: Path, rules: Repository) -> Iterator[Site]:
    site: Site = SITES["gitea"](tmp_path / "gitea")
    site.person(BOT)
    with site.serving():
        site.repository(NAME, rules.path, admin=BOT)
        yield site


def opened(site: Site) -> GitOverHttp:
    lent = FetchCredential(username="u", password=site.people[BOT].token, expires_at=datetime.now(UTC))
    return GitOverHttp(f"{site.url}/{NAME}.git", lent)


def test_a_host_that_cannot_filter_sends_everything_and_is_read_as_well(site: Site) -> None:

    there = opened(site)
    files = there.files(there.tip("main"), "policies")
    assert there.texts(files.values())[files["policies/a.py"]] == "second"


def test_without_a_credential_it_is_refused_and_nothing_hidden_is_told(site: Site) -> None:
    with pytest.raises(ForgeError, match="401"):
        GitOverHttp(f"{site.url}/{NAME}.git", None).tip("main")


@pytest.mark.parametrize(("most", "bytes_"), [("MOST_BYTES", 100), ("MOST_UNPACKED", 300)])
def test_what_is_too_big_is_not_read(
    site: Site, monkeypatch: pytest.MonkeyPatch, most: str, bytes_: int
) -> None:
    monkeypatch.setattr(contents, most, bytes_)
    there = opened(site)
    with pytest.raises(ForgeError, match="repository of their own"):
        there.files(there.tip("main"), "policies")


def test_no_other_address_gets_the_credential(site: Site) -> None:
    with pytest.raises(GitProtocolError, match="another address"):
        opened(site)._client._http_request("http://elsewhere.test/info/refs")
