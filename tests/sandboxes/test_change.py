"""What a policy is told about the change and about single files, as it sees it."""

from seatrial.wire.states import ResultState
from tests.sandboxes.conftest import Bench, policy

ASKS = """
def evaluate(project):
    return {"passed": True, "details": {
        "about": [project.event, project.commit, project.base, project.ref, project.number],
        "changed": project.get_changed_files(), "diff": project.get_diff(), "of_one": project.get_diff("a.py"),
        "history": project.get_history(), "newest": project.get_history(1)}}
"""


async def test_the_change_is_told_against_where_it_left_its_base(processes: Bench) -> None:
    repository = processes.repository
    start = repository.commit({"a.py": "1\n", "old.py": "".join(f"{n}\n" for n in range(20)), "gone": "away"})
    repository.git("checkout", "-q", "-b", "feature")
    (repository.path / "gone").unlink()
    (repository.path / "old.py").rename(repository.path / "new.py")
    head = repository.commit({"a.py": "2\n", "ä\n": "x"}, "Say *two*")
    repository.git("checkout", "-q", "-B", "main", start)
    base = repository.commit({"of others": "x"})
    command = processes.command(policy(ASKS), commit=head)
    command = command.model_copy(
        update={"base_commit": base, "event": "pull_request", "ref": "refs/heads/feature", "number": 7}
    )
    finished = await processes.evaluations.evaluate(command)
    [result] = finished.results
    assert result.state is ResultState.PASSED, result.message
    said = result.details
    assert said["about"] == ["pull_request", head, base, "refs/heads/feature", 7]
    assert [(one["path"], one["kind"], one["old_path"]) for one in said["changed"]] == [
        ("a.py", "modified", ""), ("gone", "deleted", ""), ("new.py", "renamed", "old.py"), ("ä\n", "added", ""),
    ]  # fmt: skip
    assert "-1\n+2\n" in said["of_one"]["diff"] and "new.py" not in said["of_one"]["diff"]
    assert "rename from old.py" in said["diff"]["diff"] and said["diff"]["left_out"] == []
    [written] = said["history"]
    assert (written["commit"], written["author"], written["subject"]) == (head, "Alice", "Say *two*")
    assert written["date"].startswith("20") and written["signed"] is False and said["newest"] == [written]


async def test_without_a_base_nothing_is_made_up(processes: Bench) -> None:
    [result] = await processes.run(policy(ASKS))
    said = result.details
    assert said["about"][0] == "" and said["about"][2:] == ["", "", None]
    assert said["changed"] is said["diff"] is said["of_one"] is None and len(said["history"]) == 1


async def test_a_diff_says_for_what_it_had_no_room(processes: Bench) -> None:
    base = processes.repository.commit({})
    processes.repository.commit({"big.txt": "line\n" * 300_000, "small.txt": "x\n"})
    command = processes.command(policy(ASKS)).model_copy(update={"base_commit": base})
    [result] = (await processes.evaluations.evaluate(command)).results
    assert result.details["diff"]["left_out"] == ["big.txt"] and "+x\n" in result.details["diff"]["diff"]


async def test_entries_searches_and_what_is_left_out_are_told(processes: Bench) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    (processes.repository.path / "link").symlink_to("a.py")
    (processes.repository.path / "out").symlink_to("/etc/passwd")
    processes.repository.commit(
        {"a.py": "x = 1\ntoken = 2\n", "tests/b.py": "token", "bin": b"\0", "lfs": pointer, "huge": "x" * 1_100_000,
         ".github/CODEOWNERS": "*.py @ann\n"}
    )  # fmt: skip
    code = """
def evaluate(project):
    texts = project.read_files(project.list_files() + ["nowhere"])
    read = sorted(path for path, _ in texts)
    kinds = {path: (project.get_entry(path) or {}).get("kind") for path in ("a.py", "link", "bin", "lfs", "nowhere")}
    found = project.search("tok.n", glob="*.py", classes="source")
    return {"passed": True, "details": {
        "kinds": kinds, "out": project.get_entry("out"), "huge": project.get_entry("huge")["readable"], "heads": [(project.get_entry(p) or {}).get("head") for p in ("bin", "huge", "a.py")], "read": read,
        "left_out": texts.left_out, "found": found, "python": project.list_files(glob=["*.py"], exclude="tests/"),
        "owners": project.owners_of("x/y.py"), "rules": project.get_code_owners(), "class": project.get_class("tests/b.py")}}
"""
    [result] = await processes.run(policy(code))
    assert result.state is ResultState.PASSED, result.message
    said = result.details
    assert said["kinds"] == {"a.py": "file", "link": "link", "bin": "binary", "lfs": "lfs", "nowhere": None}
    assert (said["out"]["target"], said["out"]["readable"], said["huge"]) == ("/etc/passwd", False, False)
    assert said["heads"] == ["00", "78" * 16, None]
    assert said["read"] == [".github/CODEOWNERS", "README.md", "a.py", "lfs", "link", "tests/b.py"]
    assert said["left_out"] == {
        "bin": "a binary file", "huge": "1,100,000 bytes; policies read files up to 1,048,576",
        "nowhere": "there is no such file", "out": "a symbolic link to no file of the commit",
    }  # fmt: skip
    assert said["found"] == {
        "found": [{"path": "a.py", "line": 2, "text": "token = 2", "match": "token"}],
        "left_out": 0, "files": 1, "unread": {},
    }  # fmt: skip
    assert said["not_looked_at"] == [
        {"why": "a binary file", "files": 1, "such_as": ["bin"]},
        {"why": "a symbolic link to no file of the commit", "files": 1, "such_as": ["out"]},
        {"why": "too large", "files": 1, "such_as": ["huge"]},
    ]
    [result] = await processes.run(policy(code, params={"complete": True}))
    assert result.state is ResultState.ERRORED
    assert (
        "passed, and 2 of the files that it asked for could not be read, such as huge: 1,100,000"
        in result.message
    )
    assert (said["python"], said["owners"], said["class"]) == (["a.py"], ["@ann"], "tests")
    assert said["rules"] == [{"pattern": "*.py", "owners": ["@ann"], "line": 1, "section": ""}]
