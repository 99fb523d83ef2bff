"""The code has tests.

Looks for files named like tests in the repository's languages, and into them for at least one test; else for tests within the code
(Rust, doctests that something runs). Repositories without code pass.
"""

import re

NAME = "Tests"
TESTS = [
    {"name": "Django's", "input": {"files": {"a.py": "", "polls/tests.py": "class PollTests(TestCase):\n    def test_a(self): ...\n"}}, "expected": {"passed": True, "message": {"contains": "polls/tests.py:1"}}},
    {"name": "Node's", "input": {"files": {"index.js": "", "test.js": "test('a', () => {})\n"}}, "expected": {"passed": True}},
    {"name": "only a name", "input": {"files": {"a.py": "", "tests/test_a.py": "# soon\n"}}, "expected": {"passed": False, "score": 30, "findings": [{"path": "tests/test_a.py"}]}},
    {"name": "none", "input": {"files": {"a.py": ""}}, "expected": {"passed": False, "score": 0}},
    {"name": "no code", "input": {"files": {"index.html": ""}}, "expected": {"passed": True}},
]  # fmt: skip

CODE = re.compile(
    r"\.(py|js|jsx|ts|tsx|mjs|cjs|mts|vue|svelte|go|rs|java|kt|kts|groovy|rb|php|cs|fs|vb|swift|m|mm|scala|ex|exs|erl|c|cc|cpp|cxx"
    r"|dart|clj|cljs|hs|ml|lua|pl|pm|jl|r|ps1|psm1|sol|zig|nim|cr|elm|f90|tcl|gd|sh|bash)$",
    re.IGNORECASE,
)
SCRIPT = re.compile(
    r"\.(sh|bash|ps1|psm1|tcl|m)$", re.IGNORECASE
)  # not code that needs tests, when there is no other
NOT_OURS = re.compile(r"(^|/)(node_modules|vendor|third_party|dist|build|\.venv)/|\.min\.js$|\.d\.ts$")
FOLDER = r"(^|/)([\w.-]*[-_.])?(tests?|specs?|__tests__|testing|testsuite|test-suite|regress|e2e|cypress|t)([-_.][\w.-]*)?/"
NAMED = re.compile(
    rf"{FOLDER}|(^|/)(tests?|specs?|test_[^/]+|[^/]+[-_.](tests?|spec|specs|suite|SUITE)|[^/]+Tests?|[^/]+TestCase|[^/]+Spec|[^/]+IT"
    r"|Test[A-Z][^/]*)\.\w+$|\.(bats|t|feature|robot)$|\.t\.sol$",
)
HELPS = re.compile(
    r"(^|/)(conftest\.py|__init__\.py|[^/]*(helper|util|setup|common|fixture)[^/]*)$", re.I
)  # named last
EXTRA = (".bats", ".t", ".feature", ".robot", ".exp", ".sql", ".test")
COMMENT = re.compile(r"^[ \t]*(#(?![\[{])|//(?!/)|\*|--|%|;).*$", re.M)
A_TEST = re.compile(
    r"^\s*(async )?def test|^\s*class \w*Test\w*\(|unittest\.|doctest\.|^\s*>>> "
    r"|(?<![:/'\"-])\b(it|test|describe|context|specify|suite|scenario|feature|bench)\b(\.\w+)*\s*([(\[{`\"']|\w.{0,200}?(\bdo\b|\{))"
    r"|\bfunc (Test|Fuzz|Benchmark|Example)|\bfunc test\w*\(|\bfunction test\w*\(|#\[(\w+::)*(test|Test)\b|@(Parameterized|Repeated)?Test\b"
    r"|\[(Fact|Theory|Test|TestMethod|TestCase)\b|\bTEST(_[FP])?\(|\b(TEST_CASE|SCENARIO|BOOST_(AUTO|FIXTURE|DATA)_TEST\w*)\b"
    r"|Test::(More|Simple|Most|Class)|@test\b|\btest_that\(|^\s*(Feature|Scenario):|\*\*\* Test Cases \*\*\*"
    r"|\w_test(_)?\(\) ?->|\bdeftest\b|@testset|\bplan\s*\(|\bassert\w*\b|\bexpect\w*\s*\(|\bt\.(Run|Error|Fatal)|\bcheck\s*\(|\bexit 1\b",
    re.MULTILINE,
)
RUST_INLINE = re.compile(r"#\[(\w+::)*test\b|^\s*//[/!] ```(?!text|ignore|no_run)", re.M)
DOCTEST = re.compile(r"^\s*>>> ", re.M)
RUNS_DOCTEST = re.compile(r"doctest", re.I)
RUNNERS = re.compile(
    r"(^|/)(pytest\.ini|setup\.cfg|tox\.ini|pyproject\.toml|noxfile\.py|conftest\.py|Makefile|[^/]+\.ya?ml)$"
)


def evaluate(project):
    files, code = project.files, project.files.count(CODE, unless=NOT_OURS)
    like_tests = files.matching(f"{NAMED.pattern}|(?i:{FOLDER})", unless=NOT_OURS)
    named = [path for path in like_tests if CODE.search(path) or path.endswith(EXTRA)]
    if not named and not files.count(CODE, unless=f"{NOT_OURS.pattern}|(?i:{SCRIPT.pattern})"):
        return verdict(100, f"No code to test among {len(files)} files.")
    tests = tests_in(project, named, A_TEST, lambda text: COMMENT.sub("", text))
    kind = "Files of tests"
    if not tests:
        tests = tests_in(project, files.matching(r"\.rs$", unless=NOT_OURS), RUST_INLINE)
        kind = "Files with tests inside"
    if not tests and (runner := runs_doctests(project)):
        tests = tests_in(project, files.matching(r"\.py$", unless=NOT_OURS), DOCTEST)
        kind = f"Files with doctests, which {runner} runs"
    details = {"code_files": code, "test_files": len(tests), "first": [path for path, _ in tests[:20]]}
    if tests:
        path, line = tests[0]
        message = f"{kind}: {len(tests)}, of code: {code}. The first test is {path}:{line}."
        return verdict(100, message, details)
    if named:
        return verdict(30, f"{named[0]} is named like a test, but no test is in it.", details, named[0])
    first = files.matching(CODE, unless=NOT_OURS, most=1)
    return verdict(0, f"No test. Files of code: {code}.", details, first[0])


def tests_in(project, paths, pattern, cleaned=lambda text: text):
    """(path, line) of the first test in each file that has one."""
    found = []
    for path, text in project.read_files(paths):
        match = pattern.search(cleaned(text))
        if match:
            begin = match.start() + len(match[0]) - len(match[0].lstrip())
            found.append((path, cleaned(text).count("\n", 0, begin) + 1))
    return sorted(found, key=lambda one: (bool(HELPS.search(one[0])), one))


def runs_doctests(project):
    for path, text in project.read_files(project.files.matching(RUNNERS, unless=NOT_OURS, most=200)):
        match = RUNS_DOCTEST.search(text)
        if match:
            return f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
    return None


def verdict(score, message, details=None, path=""):
    passed = score >= 70
    found = [] if passed else [{"path": path, "message": message, "severity": "medium"}]
    return {"passed": passed, "score": score, "message": message, "findings": found, "details": details or {}}
