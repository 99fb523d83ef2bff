"""The code has tests.

Looks for files named like tests in the repository's languages, and into them for at least one test. Repositories
without code pass.
"""

import re

NAME = "Tests"

CODE = re.compile(
    r"\.(py|js|jsx|ts|tsx|mjs|go|rs|java|kt|rb|php|cs|swift|scala|ex|exs|c|cc|cpp|cxx|dart|clj|hs|lua|pl|pm|jl)$",
    re.IGNORECASE,
)
NOT_OURS = re.compile(r"(^|/)(node_modules|vendor|third_party|dist|build|\.venv)/|\.min\.js$|\.d\.ts$")
NAMED = re.compile(
    r"(^|/)(tests?|specs?|__tests__|e2e)/|(^|/)(test_[^/]+|[^/]+_test|[^/]+_spec|[^/]+[.-](test|spec)|[^/]+Tests?|[^/]+Spec)"
    r"\.\w+$|\.bats$|\.t$"
)
A_TEST = re.compile(
    r"^\s*(async )?def test|unittest|doctest|\b(it|test|describe|context|specify)\b[\s(.]|func (Test|Fuzz|Benchmark|Example)"
    r"|#\[(\w+::)*test\b|@(Parameterized)?Test\b|\[(Fact|Theory|Test|TestMethod)\b|\bTEST(_[FP])?\(|\b(TEST_CASE|SCENARIO|BOOST_(AUTO|FIXTURE|DATA)_TEST\w*)\b|Test::(More|Simple|Most|Class)|@test\b|assert",
    re.MULTILINE,
)
RUST_INLINE = re.compile(r"#\[(\w+::)*test\b")


def evaluate(project):
    files = [path for path in project.list_files() if not NOT_OURS.search(path)]
    code = [path for path in files if CODE.search(path)]
    named = [
        path
        for path in files
        if NAMED.search(path) and (CODE.search(path) or path.endswith((".bats", ".t", ".sh")))
    ]
    if not code:
        return verdict(100, "No code to test.")
    tests = sorted(path for path, text in project.read_files(named) if A_TEST.search(text))
    if not tests:
        rust = [path for path in code if path.endswith(".rs")]
        tests = sorted(path for path, text in project.read_files(rust) if RUST_INLINE.search(text))
    details = {"code_files": len(code), "test_files": len(tests), "first": tests[:20]}
    if tests:
        message = f"Files of tests: {len(tests)}, of code: {len(code)}. The first is {tests[0]}."
        return verdict(100, message, details)
    if named:
        return verdict(30, f"{named[0]} is named like a test, but no test is in it.", details)
    return verdict(0, f"No test. Files of code: {len(code)}.", details)


def verdict(score, message, details=None):
    return {"passed": score >= 70, "score": score, "message": message, "details": details or {}}
