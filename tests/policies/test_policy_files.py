"""What is wrong in a policy's file is said, with its line, before anything is saved. No database is needed."""

import pytest

from seatrial.control.policies import packs
from seatrial.control.policies.authoring.difference import Kind, difference
from seatrial.control.policies.authoring.highlighting import lines_of
from seatrial.control.policies.authoring.parameters import checked, fits
from seatrial.control.policies.authoring.reading import MOST_CODE, read
from seatrial.control.policies.authoring.words import criteria_in_words
from seatrial.control.policies.errors import BadParameters, BadPolicy

GOOD = "def evaluate(project): ...\n"


def wrong(code: str, slug: str = "one") -> list[tuple[int, str]]:
    with pytest.raises(BadPolicy) as refused:
        read(slug, code)
    return [(problem.line, problem.text) for problem in refused.value.problems]


@pytest.mark.parametrize(
    "code",
    [
        "def evaluate(project): ...",
        "def evaluate(p, log, params): ...",
        "def evaluate(repo, /, *, log=None, extra=3): ...",
        "def evaluate(log, project): ...",
        "def evaluate(*everything): ...",
        "def evaluate(**named): ...",
        "evaluate = lambda project: None",
        "from json import dumps as evaluate",
        "try:\n    import x\nexcept ImportError:\n    def evaluate(project): ...",
        'A = "\\d"\ndef evaluate(project): ...',
        'TESTS = [{"name": "a", "expected": {"passed": True}}]\ndef evaluate(project): ...',
        'CRITERIA: dict = {"events": ["merge_request"], "ref": "^main$", "languages": ["python"]}\n' + GOOD,
    ],
)
def test_what_a_sandbox_can_run_is_read(code: str) -> None:
    assert read("one", code).code.strip() == code.strip()


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        ("def evaluate(project:\n    pass", 1, "this is no Python"),
        ("x = 1\nreturn x\n" + GOOD, 2, "this is no Python: 'return' outside function"),
        ("(" * 5000, 1, "this is no Python"),
        ("x = 1", 0, "there is no function evaluate"),
        ("class A:\n    def evaluate(self): ...", 0, "there is no function evaluate"),
        ("async def evaluate(project): ...", 1, "cannot be `async`"),
        ("def evaluate(): ...", 1, "takes no parameter"),
        ("\ndef evaluate(project, llm): ...", 2, "asks for 'llm', which there is not"),
        ("NAME = name()\n" + GOOD, 1, "NAME must be written out"),
        ('NAME = "a\\nb"\n' + GOOD, 1, "NAME is one line of text"),
        ('NAME = ""\n' + GOOD, 1, "NAME is one line of text"),
        ("PARAMS = {1: 2}\n" + GOOD, 1, "PARAMS is a dictionary"),
        ("PARAMS = {'a': b'x'}\n" + GOOD, 1, "PARAMS must be written out"),
        ("PARAMS = {'a': 1e999}\n" + GOOD, 1, "PARAMS must be written out"),
        ("\nNETWORK = 'yes'\n" + GOOD, 2, "NETWORK is 'yes'"),
        ('CRITERIA = {"events": ["pul_request"]}\n' + GOOD, 1, "did you mean pull_request?"),
        ('CRITERIA = {"event": ["push"]}\n' + GOOD, 1, "did you mean events?"),
        ("TESTS = {}\n" + GOOD, 1, "list of tests"),
        ('TESTS = [{"name": "a", "expectd": {}}]\n' + GOOD, 1, "expected"),
        ('TESTS = [{"name": "a", "expected": {"pased": True}}]\n' + GOOD, 1, "passed"),
        ('a = "\u202e"\n' + GOOD, 1, "write it as an escape, \\u202e"),
        (GOOD + "b = '\x1b[2J'", 2, "write it as an escape"),
        ("", 0, "the file is empty"),
        ("x" * (MOST_CODE + 1), 0, "characters are too many"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(code: str, line: int, said: str) -> None:
    found = wrong(code)
    assert any(number == line and said in text for number, text in found), found


def test_everything_is_said_at_once() -> None:
    assert [line for line, _ in wrong("NAME = 1\nNETWORK = 2\nx = 3")] == [0, 1, 2]


@pytest.mark.parametrize("slug", ["", "A", "a b", "a--b", "-a", "../a", "a" * 101, "a\u202e"])
def test_slugs_are_plain(slug: str) -> None:
    assert "cannot be a policy's slug" in wrong(GOOD, slug)[0][1]


def test_every_packed_policy_could_be_written_by_people() -> None:
    for pack in packs.catalogue():
        for packed in pack.policies:
            assert read(packed.slug, packed.code).digest == packed.digest


def test_line_ends_of_forms_are_those_of_files() -> None:
    assert read("one", "x = 1\r\n" + GOOD).digest == read("one", "x = 1\n" + GOOD + "\n\n").digest


def test_parameters_keep_their_kinds() -> None:
    defaults = {"most": 5, "share": 0.5, "strict": False, "names": ["a"], "any": None, "deep": {"a": 1}}
    assert checked(defaults, {"share": 1, "names": [], "any": [1]}) == {
        **defaults,
        "share": 1,
        "names": [],
        "any": [1],
    }
    for wrong_one in (
        {"most": "5"},
        {"most": True},
        {"most": 1.5},
        {"strict": 1},
        {"names": [1]},
        {"deep": []},
    ):
        with pytest.raises(BadParameters):
            checked(defaults, wrong_one)
    with pytest.raises(BadParameters, match="did you mean most"):
        checked(defaults, {"mots": 5})
    with pytest.raises(BadParameters, match="finite"):
        checked(defaults, {"share": float("inf")})
    with pytest.raises(BadParameters, match="characters together"):
        checked(defaults, {"any": "x" * 50_000})
    assert not fits("text", None)


def test_a_difference_has_the_lines_around_it() -> None:
    old = "".join(f"line {number}\n" for number in range(40))
    new = old.replace("line 3\n", "LINE 3\n").replace("line 35\n", "")
    first, second = difference(old, new)
    assert [(one.kind, one.before, one.after, one.text) for one in first if one.kind is not Kind.SAME] == [
        (Kind.REMOVED, 4, 0, "line 3"),
        (Kind.ADDED, 0, 4, "LINE 3"),
    ]
    assert [one.sign for one in second] == [" ", " ", " ", "-", " ", " ", " "]
    assert difference(old, old) == [] and difference("", "a\n")[0]


def test_code_is_shown_line_by_line_and_obeys_nothing() -> None:
    code = 'x = """a\n<script>alert(1)</script>\n"""\n\n' + GOOD
    lines = lines_of(code)
    assert len(lines) == 5 and "<script>" not in "".join(lines)
    for line in lines:
        assert line.count("<span") == line.count("</span>")


def test_criteria_are_a_sentence() -> None:
    assert criteria_in_words({}) == "Runs on every event."
    said = criteria_in_words(
        {"events": ["push", "pull_request", "tag"], "ref": "^main$", "languages": ["Go", "C"]}
    )
    assert said == (
        "Runs on pushes, pull requests and tags, of branches and tags that match ^main$, where the commit has Go or C."
    )
