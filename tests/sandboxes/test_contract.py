"""Everything a policy can do, ask and return. Run as plain processes: fast, and the same program as in the sandbox."""

import asyncio

import pytest

from seatrial.agent.checkouts.commit import CommitTree
from seatrial.agent.sandboxes import channel
from seatrial.agent.vocabulary.errors import CheckoutError
from seatrial.wire.evaluations import ForgeFacts
from seatrial.wire.states import Isolation, ResultState
from tests.sandboxes.conftest import Bench, policy


async def test_a_policy_passes_with_what_it_says(processes: Bench) -> None:
    code = """
def evaluate(project, log, params):
    log("looking"); log.warning("hm"); print("printed")
    return {"passed": True, "score": 80, "message": "ok " + params["word"], "details": {"files": project.list_files()}}
"""
    [result] = await processes.run(policy(code, params={"word": "here"}))
    assert (result.state, result.score, result.message) == (ResultState.PASSED, 80, "ok here")
    assert result.details == {"files": ["README.md"]}
    assert [(line.level, line.message) for line in result.logs] == [
        ("info", "looking"), ("warning", "hm"), ("print", "printed"),
    ]  # fmt: skip
    assert result.seconds > 0


@pytest.mark.parametrize(
    ("parameters", "given"),
    [
        ("repo", "['repo']"),
        ("project, /", "['project']"),
        ("*all", "['all']"),
        ("p, log", "['p', 'log']"),
        ("p, params, /, depth=3, *, log", "['p', 'params', 'depth', 'log']"),
        ("p, **rest", "['p', 'rest']"),
        ("log, project", "['log', 'project']"),
        ("**rest", "['rest']"),
    ],
)
async def test_the_first_parameter_is_the_project_and_the_others_go_by_name(
    processes: Bench, parameters: str, given: str
) -> None:
    code = f"""
def evaluate({parameters}):
    names, found = list(locals()), locals()
    of = {{name: found[name][0] if name == "all" else found[name] for name in names}}
    of |= of.pop("rest", {{}})
    project = of.get("project") or of[names[0]]
    if "log" in names: of["log"].info("logged")
    return {{"passed": project.list_files() == ["README.md"] and of.get("params", {{}}) == {{}}, "message": str(names)}}
"""
    [result] = await processes.run(policy(code))
    assert (result.state, result.message) == (ResultState.PASSED, given), result
    assert [line.message for line in result.logs] == (["logged"] if "log" in parameters else [])


async def test_every_question_has_its_answer(processes: Bench) -> None:
    processes.facts = ForgeFacts(
        default_branch="main", members=[{"username": "alice", "role": "owner"}], topics=["ship"],
        metadata={"name": "ship"},
    )  # fmt: skip
    processes.repository.commit({"a.py": "x = 1\n" * 30, "b.js": "1\n" * 5, "bin.dat": b"\0\1", "ä.txt": "é"})
    (processes.repository.path / "link").symlink_to("/etc/hostname")
    (processes.repository.path / "sub").mkdir()
    for name, target in {
        "hop": "sub/back",
        "sub/back": "../ä.txt",
        "loop": "loop",
        "out": "../../etc/passwd",
    }.items():
        (processes.repository.path / name).symlink_to(target)
    processes.repository.commit(
        {"latin.txt": b"\xe9", "utf16.txt": "é\r\n".encode("utf-16"), "bom": b"\xef\xbb\xbfx"}
    )
    code = """
def unreadable(project, path):
    try:
        project.get_file_content(path)
    except ValueError as error:
        return str(error)

def evaluate(project):
    return {"passed": True, "details": {
        "files": project.list_files(), "text": project.get_file_content("ä.txt"),
        "none": project.get_file_content("nowhere"), "link": project.get_file_content("link"),
        "links": [project.get_file_content(path) for path in ("hop", "loop", "out")],
        "marked": [project.get_file_content("utf16.txt"), project.get_file_content("bom")],
        "binary": unreadable(project, "bin.dat"), "latin": project.get_file_content("latin.txt"),
        "many": sorted(project.get_files_content(project.list_files())),
        "sizes": project.get_file_sizes()["a.py"], "languages": project.get_languages(),
        "members": project.get_members(), "contributors": project.get_contributors(),
        "branch": project.get_default_branch(), "topics": project.get_topics(), "metadata": project.get_metadata(),
        "date": project.get_file_last_commit_date("a.py"), "no_date": project.get_file_last_commit_date("nowhere"),
    }}
"""
    [result] = await processes.run(policy(code))
    said = result.details
    assert said["files"] == [
        "README.md", "a.py", "b.js", "bin.dat", "bom", "hop", "latin.txt", "link", "loop", "out", "sub/back",
        "utf16.txt", "ä.txt",
    ]  # fmt: skip
    assert said["links"] == ["é", None, None] and said["marked"] == ["é\r\n", "x"]
    assert said["text"] == "é" and said["none"] is None and said["link"] is None
    assert said["binary"] == "bin.dat: a binary file"
    assert said["latin"] == "\ufffd"
    assert said["many"] == [
        "README.md", "a.py", "b.js", "bom", "hop", "latin.txt", "sub/back", "utf16.txt", "ä.txt",
    ]  # fmt: skip
    assert said["sizes"] == 180 and said["languages"] == {"Python": 94.7, "JavaScript": 5.3}
    assert said["members"] == [{"username": "alice", "role": "owner"}]
    assert said["contributors"] == [{"username": "Alice", "commits": 3}]
    assert (said["branch"], said["topics"], said["metadata"]) == ("main", ["ship"], {"name": "ship"})
    assert said["date"].startswith("20") and said["no_date"] is None


async def test_what_protects_the_default_branch_and_no_other_is_told(processes: Bench) -> None:
    processes.facts = ForgeFacts(
        default_branch="main", protection={"branch": "main", "protected": True, "unknown": "Hidden."}
    )
    code = """
def evaluate(project):
    try:
        project.get_branch_protection("next")
    except ValueError as error:
        other = str(error)
    found = project.get_branch_protection()
    return {"passed": found == project.get_branch_protection("main"), "details": {**found, "other": other}}
"""
    [result] = await processes.run(policy(code))
    said = result.details
    assert result.state == "passed" and (said["protected"], said["unknown"]) == (True, "Hidden.")
    assert said["required_reviews"] is None and "main" in said["other"]


async def test_yaml_and_dockerfiles_are_read_for_the_policy(processes: Bench) -> None:
    processes.repository.commit({"a.yml": "a:\n- 1\n", "b.yml": "[", "Dockerfile": "FROM a:1\n"})
    code = """
def evaluate(project):
    try:
        project.get_yaml("b.yml")
    except ValueError as error:
        said = str(error)
    return {"passed": True, "details": {
        "yaml": project.get_yaml("a.yml"), "broken": said, "none": project.get_yaml("nowhere"),
        "docker": project.get_instructions("Dockerfile"),
    }}
"""
    [result] = await processes.run(policy(code))
    assert result.details == {
        "yaml": [{"data": {"a": [1]}, "lines": {"": 1, "a": 1, "a/0": 2}}], "none": None,
        "broken": "b.yml: not valid YAML: line 1: expected the node content, but found '<stream end>'",
        "docker": [{"line": 1, "instruction": "FROM", "rest": "a:1"}],
        "not_looked_at": [{
            "why": "not valid YAML: line 1: expected the node content, but found '<stream end>'",
            "files": 1, "such_as": ["b.yml"],
        }],
    }  # fmt: skip


@pytest.mark.slow
async def test_a_repository_larger_than_a_policys_memory_is_read(processes: Bench) -> None:
    big = {
        f"a-rather-long-folder/{n}/{'x' * 60}": ("\N{SAILBOAT}" if n % 2 else "a") * 200_000
        for n in range(250)
    }
    processes.repository.commit(big)
    code = "def evaluate(project): return {'passed': True, 'message': str(sum(len(t) for _, t in project.read_files(project.list_files())))}"
    [result] = await processes.run(policy(code))
    assert (result.state, result.message) == (ResultState.PASSED, str(250 * 200_000 + len("# Ship\n"))), (
        result
    )


async def test_an_exception_is_errored_with_the_policys_own_lines(processes: Bench) -> None:
    code = "import json\n\ndef evaluate(project):\n    return deeper()\n\ndef deeper():\n    return json.loads('{')\n"
    [result] = await processes.run(policy(code, "reads-json"))
    assert result.state == ResultState.ERRORED and result.score is None
    assert result.message.startswith("json.decoder.JSONDecodeError: Expecting property name")
    assert 'File "reads-json.py", line 7, in deeper' in result.message
    assert "sandbox" not in result.message and "json/decoder" not in result.message


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("def evaluate(project) return", "SyntaxError"),
        ("x = 1", "defines no function evaluate(project)"),
        ("async def evaluate(project):\n    return True", "evaluate() is `async`"),
        ("def evaluate(project):\n    yield True", "evaluate() uses `yield`"),
        ("def evaluate(project, llm): pass", "asks for 'llm', which there is not"),
        ("def evaluate(project): raise SystemExit(3)", "SystemExit: 3"),
        ("def evaluate(project): return None", "returned NoneType None"),
        ("def evaluate(project): return {'passed': 'yes'}", "'passed' is str 'yes'"),
        ("def evaluate(project): return {'score': 3}", "'passed' is missing"),
        ("def evaluate(project): return {'passed': True, 'score': 101}", "'score' is int 101"),
        ("def evaluate(project): return {'passed': True, 'score': True}", "'score' is bool True"),
        ("def evaluate(project): return {'passed': True, 'score': 10**4000}", "'score' is int"),
        ("def evaluate(project): return {'passed': True, 'score': float('nan')}", "JSON cannot hold"),
        ("def evaluate(project): return {'passed': True, 'message': 3}", "'message' is int 3"),
        ("def evaluate(project): return {'passed': True, 'details': [1]}", "'details' is list"),
        ("def evaluate(project): return {'passed': True, 'details': {1, 2}}", "JSON cannot hold"),
        ("def evaluate(project): return {'passed': True, 'message': 'x' * 2_000_000}", "the limit is"),
        ("def evaluate(project): return project.drop_database()", "AttributeError"),
        ("def evaluate(project): return project.get_file_content(3)", "a path must be a str, not int"),
    ],
)
async def test_nonsense_is_errored_with_the_reason(processes: Bench, code: str, why: str) -> None:
    [result] = await processes.run(policy(code))
    assert result.state == ResultState.ERRORED
    assert why in result.message


async def test_deep_details_are_refused_and_long_ones_cut(processes: Bench) -> None:
    deep = "def evaluate(project):\n    d = {}\n    for _ in range(500): d = {'d': d}\n    return {'passed': True, 'details': d}"
    long = "def evaluate(project): return {'passed': True, 'details': {'d': 'x' * 100_000}, 'message': 'y' * 9000}"
    nul = (
        "def evaluate(project): return {'passed': True, 'details': {'\\0': '\\0'}, 'message': 'a\\0b\\ud800'}"
    )
    first, second, third = await processes.run(policy(deep), policy(long), policy(nul))
    assert "nested" in first.message
    assert "60,000 are kept" in second.details["cut"] and len(second.message) == 4000
    assert "\0" not in str(third.details) + third.message and third.message.encode()


async def test_more_policies_than_children(processes: Bench) -> None:
    processes.pool.children = 3
    code = "def evaluate(project, params): return {'passed': True, 'score': params['n']}"
    results = await processes.run(*(policy(code, params={"n": n}) for n in range(8)))
    assert [result.score for result in results] == list(range(8))


CATCHES = """
def evaluate(project):
    try:
        return {"passed": True, "message": str(project.get_contributors())}
    except BaseException:
        return {"passed": False, "message": "caught"}
"""


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("a bug"), "the agent could not answer a question: RuntimeError: a bug"),
        (CheckoutError("git is away"), "the repository could not be read: git is away"),
    ],
)
async def test_no_policy_makes_a_verdict_of_what_the_host_fails_at(
    processes: Bench, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    asked = 0

    async def broken(tree: CommitTree) -> list[tuple[str, int]]:
        nonlocal asked
        asked += 1
        raise error

    monkeypatch.setattr(CommitTree, "contributors", broken)
    processes.evaluations._on_commit.pauses = (0.0, 0.0)
    [result, beside] = await processes.run(
        policy(CATCHES), policy("def evaluate(p): return {'passed': True}")
    )
    assert (result.state, result.message, asked) == (ResultState.ERRORED, why, 3)
    assert result.seconds == 0, "what the host failed at demotes no policy"
    assert beside.state == ResultState.PASSED and beside.seconds > 0


async def test_what_the_host_failed_at_once_is_tried_again(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, asked = CommitTree.contributors, 0

    async def broken_once(tree: CommitTree) -> list[tuple[str, int]]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise CheckoutError("git was ended")
        return await honest(tree)

    monkeypatch.setattr(CommitTree, "contributors", broken_once)
    processes.evaluations._on_commit.pauses = (0.0,)
    [result] = await processes.run(policy(CATCHES))
    assert (result.state, result.message) == (ResultState.PASSED, "[{'username': 'Alice', 'commits': 1}]")


async def test_what_a_policy_does_wrong_itself_is_an_exception_to_it(processes: Bench) -> None:
    processes.repository.commit({"bin.dat": b"\0"})
    code = """
def wrong(ask):
    try:
        ask()
    except ValueError as error:
        return str(error)

def evaluate(project):
    return {"passed": True, "details": {"said": [
        wrong(lambda: project._ask("drop_database")), wrong(lambda: project._ask("list_files", "x")),
        wrong(lambda: project.get_file_content("bin.dat"))]}}
"""
    [result] = await processes.run(policy(code))
    assert result.details["said"] == [
        "project.drop_database does not exist", "project.list_files takes other arguments", "bin.dat: a binary file",
    ]  # fmt: skip


async def test_a_policy_about_other_languages_is_skipped(processes: Bench) -> None:
    processes.repository.commit({"a.py": "x = 1\n"})
    code = "def evaluate(project): return {'passed': False}"
    wanted = (["Go", "Rust"], ["go", "python"], [])
    finished = await processes.evaluations.evaluate(
        processes.command(*(policy(code, languages=names) for names in wanted))
    )
    assert [result.state for result in finished.results] == ["skipped", "failed", "failed"]
    assert finished.results[0].message == "No file of this commit is written in Go or Rust."
    alone = await processes.evaluations.evaluate(processes.command(policy(code, languages=["Go"])))
    assert (alone.state, alone.results[0].score) == ("passed", None)


async def test_a_missing_commit_is_errored_as_a_whole(processes: Bench) -> None:
    finished = await processes.evaluations.evaluate(processes.command(policy("x"), commit="0" * 40))
    assert finished.state == "errored" and "0000000000" in finished.message and finished.isolation is None


async def test_the_evaluation_names_its_isolation(processes: Bench) -> None:
    code = "def evaluate(project): return {'passed': False}"
    finished = await processes.evaluations.evaluate(processes.command(policy(code)))
    assert finished.isolation == Isolation.PROCESS and finished.state == "failed"
    assert finished.results[0].score == 0


async def test_the_time_of_a_slow_host_is_not_the_policys(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = CommitTree.contributors

    async def slow(tree: CommitTree) -> list[tuple[str, int]]:
        await asyncio.sleep(3)
        return await honest(tree)

    monkeypatch.setattr(CommitTree, "contributors", slow)
    code = "def evaluate(project): return {'passed': True, 'message': str(project.get_contributors())}"
    [result] = await processes.run(policy(code, timeout_seconds=2.0))
    assert (result.state, result.message) == (ResultState.PASSED, "[{'username': 'Alice', 'commits': 1}]")


async def test_an_answer_that_no_policy_could_hold_is_refused_with_what_to_do(
    processes: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MAX_SENT", 50_000)
    processes.repository.commit({f"src/{'x' * 200}{n}": "" for n in range(300)})
    code = "def evaluate(project): return {'passed': True, 'message': str(len(project.list_files()))}"
    some = code.replace("()))", "(glob='*1')))")
    [every, chosen] = await processes.run(policy(code, "a"), policy(some, "b"))
    assert every.state == ResultState.ERRORED
    assert "are given at once. Ask for less: choose files by glob, exclude or classes" in every.message
    assert (chosen.state, chosen.message) == (ResultState.PASSED, "30")
