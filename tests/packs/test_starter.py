"""The starter pack, policy by policy: what passes, what fails, and what the message names."""

import base64
import random
from pathlib import Path

import pytest

from tests.packs.trial import STARTER, run

WORDS = "# Ship\n" + "word " * 50
BODY = base64.b64encode(random.Random(7).randbytes(600)).decode()
KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + "\n".join(BODY[i : i + 64] for i in range(0, 640, 64))
AWS = "AKIA" + "Q3EGRLB7ZKJ5VNUY"  # of the right form, and nobody's
GITHUB = "ghp_" + "q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1uRt"

POINTERS = """DB_PASSWORD_FILE=/run/secrets/db_password
API_KEY=$OTHER_KEY_NAME
API_TOKEN=op://vault/item/field
SECRET=ENC[AES256_GCM,data:Kx9mQ2vL7pTz]
DB_PASSWORD=encrypted:Kx9mQ2vL7pTz
TOKEN_URL=https://login.example.test/oauth/token
PRIVATE_KEY=/etc/ssl/private/server.pem
"""

CASES = [
    ("readme", {"README.md": WORDS}, 100, "README.md: 52 words"),
    ("readme", {"readme.rst": "Ship\n====\n" + "word " * 50}, 100, "readme.rst"),
    ("readme", {"README.md": "# 船\n" + "这是一个关于船的项目。" * 5}, 100, "headings: 1."),
    ("readme", {"README.adoc": "= Ship\n\n" + "word " * 50}, 100, "README.adoc"),
    ("readme", {"README.rdoc": "= Ship\n\n" + "word " * 50}, 100, "README.rdoc"),
    ("readme", {"README.md": '<h1 align="center">Ship</h1>\n' + "word " * 50}, 100, "headings: 1."),
    ("readme", {"README.md": "# Ship"}, 40, "2 words"),
    ("readme", {"README.md": "word " * 50}, 70, "no heading"),
    ("readme", {"README.md": " \n"}, 0, "README.md is empty"),
    ("readme", {"docs/README.md": WORDS, "readme.png": b"\0"}, 0, "No README at the root"),
    ("license", {"LICENSE": "MIT License\n\nPermission is hereby\ngranted, free of charge, to"}, 100, "LICENSE:3 is MIT."),
    ("license", {"COPYING": "GNU GENERAL PUBLIC LICENSE\n Version 3"}, 100, "COPYING:1 is GPL-3.0."),
    ("license", {"LICENSE.txt": "Apache License\n    Version 2.0, January 2004"}, 100, "Apache-2.0"),
    ("license", {"LICENSE": "\n"}, 0, "LICENSE is empty"),
    ("license", {"LICENSE": "Do what is right."}, 80, "knows"),
    ("license", {"pyproject.toml": "[project]\nlicense = 'MIT'"}, 50, "pyproject.toml:2"),
    ("license", {"license_check.py": ""}, 0, "No licence file"),
    ("readme", {"README.md": WORDS.encode("utf-16")}, 100, "README.md: 52 words"),
    ("readme", {"README.md": b"\0"}, 70, "a binary file"),
    ("docker-base-pinned", {"Dockerfile": b"\xef\xbb\xbfFROM python"}, 0, "Dockerfile:1 builds on python"),
    ("changelog", {"CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n- a\n## 1.0.0\n- b"}, 100, "versions: 2, the newest at line 3"),
    ("changelog", {"CHANGELOG.md": "# Changelog\n"}, 50, "names no version"),
    ("changelog", {"HISTORY.rst": "1.2 (2026-01-01)\n----\nMore."}, 100, "HISTORY.rst"),
    ("changelog", {"CHANGES": "## 1.0\n"}, 50, "CHANGES:1"),
    ("changelog", {"changelog.d/1.feature": "x"}, 100, "Change notes: 1, "),
    ("changelog", {"src/changelog.py": ""}, 70, "No changelog"),
    ("changelog", {"RELEASES.md": "# v2\n\nMore."}, 100, "RELEASES.md: versions: 1, "),
    ("no-large-files", {"a": b"x" * 1000}, 100, "No file is larger"),
    ("no-large-files", {".yarn/releases/yarn-4.cjs": b"x" * 2_000_000, ".pnp.cjs": b"x" * 2_000_000, "ios/Podfile.lock": b"x" * 2_000_000}, 100, "No file is larger"),
    ("no-large-files", {"a.bin": b"x" * 2_000_000, "uv.lock": b"x" * 2_000_000}, 80, "a.bin (1.9 MB)"),
    ("ci-configured", {".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - run: make test"}, 100, "ci.yml:6"),
    ("ci-configured", {".github/workflows/deploy.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n    - uses: actions/attest@v2\n    - run: ./ship"}, 70, "no step"),
    ("ci-configured", {"appveyor.yml": "test_script: make check"}, 100, "AppVeyor"),
    ("ci-configured", {"cloudbuild.yaml": "steps:\n- name: go\n  args: [test]"}, 100, "Cloud Build"),
    ("ci-configured", {"buildspec.yml": "phases:\n  build:\n    commands: [npm test]"}, 100, "CodeBuild"),
    ("ci-configured", {".teamcity/settings.kts": "script { scriptContent = \"make test\" }"}, 100, "TeamCity"),
    ("ci-configured", {".ci/run": "make test", ".ci/logo.png": b"\x89PNG\0"}, 100, ".ci/run"),
    ("ci-configured", {".gitlab-ci.yml": "deploy:\n  script: ./deploy"}, 70, "no step of it looks like a test"),
    ("ci-configured", {".github/workflows/ci.yml": "# jobs: test\n"}, 30, "no job"),
    ("ci-configured", {"Makefile": "test:"}, 0, "No CI configuration"),
    ("tests-present", {"a.py": "", "tests/test_a.py": "def test_a(): pass"}, 100, "The first test is tests/test_a.py:1."),
    ("tests-present", {"a.go": "", "a_test.go": "func TestA(t *testing.T) {}"}, 100, "a_test.go"),
    ("tests-present", {"src/a.ts": "", "src/a.test.ts": "it('works', () => {})"}, 100, "a.test.ts"),
    ("tests-present", {"src/lib.rs": "#[cfg(test)]\nmod t { #[test] fn a() {} }"}, 100, "src/lib.rs"),
    ("tests-present", {"a.py": "", "tests/test_a.py": "# soon"}, 30, "no test is in it"),
    ("tests-present", {"a.py": "", "latest.py": "def test(): 1"}, 0, "No test. Files of code: 2."),
    ("tests-present", {"a.cpp": "", "tests/a.cpp": 'TEST_CASE("a") {}'}, 100, "tests/a.cpp"),
    ("tests-present", {"a.cpp": "", "tests/a.cpp": "BOOST_AUTO_TEST_CASE(a) {}"}, 100, "tests/a.cpp"),
    ("tests-present", {"lib/A.pm": "", "t/a.t": "use Test::More;\nok(1);"}, 100, "t/a.t"),
    ("tests-present", {"index.html": "<p>"}, 100, "No code"),
    ("lockfile", {"package.json": '{"dependencies": {"a": "1"}}', "Dockerfile": ""}, 0, "package.json has no lock file"),
    ("lockfile", {"package.json": '{"dependencies": {"a": "1"}}', "compose.yaml": "services:\n  a:\n    build: ."}, 0, "package.json has no lock file"),
    ("lockfile", {"package.json": '{"dependencies": {"a": "1"}}'}, 70, "no lock file (package-lock.json, npm-shrinkwrap.json, yarn.lock). Nothing is deployed"),
    ("lockfile", {"package.json": '{"name": "a"}'}, 100, "No manifest"),
    ("lockfile", {"web/package.json": '{"dependencies": {"a": "1"}}', "yarn.lock": "a"}, 100, "web/package.json by yarn.lock"),
    ("lockfile", {"requirements.txt": "# c\na==1\nb>=2\n", "galley.yml": ""}, 0, "requirements.txt:3 does not pin b>=2"),
    ("lockfile", {"requirements.txt": "a>=1; python_version == '3.8'\n", "galley.yml": ""}, 0, "does not pin a>=1"),
    ("lockfile", {"requirements.txt": "-r base.txt\na==1 \\\n    --hash=sha256:00\n"}, 100, "Locked"),
    ("lockfile", {"requirements.txt": f"git+https://example.test/a@{'0a' * 20}\ngit+https://example.test/b@{'0a' * 20}#egg=b\n./lib\n"}, 100, "Locked"),
    ("lockfile", {"requirements.txt": "git+https://example.test/a@main\n", "galley.yml": ""}, 0, "does not pin git+"),
    ("lockfile", {"pyproject.toml": "[project]\ndependencies = ['a']", "app/Dockerfile.prod": ""}, 0, "uv.lock"),
    ("lockfile", {"pyproject.toml": "[project]\ndependencies = ['a']", "requirements/base.txt": "a==1"}, 100, "Locked"),
    ("lockfile", {"pyproject.toml": "[project]\ndependencies = ['a']", "requirements/base.txt": "a", "Dockerfile": ""}, 50, "requirements/base.txt:1 does not pin a"),
    ("lockfile", {"pyproject.toml": "[tool.ruff]\nline-length = 1"}, 100, "No manifest"),
    ("lockfile", {"go.mod": "module a\nrequire b v1", "x/go.sum": "", "Dockerfile": ""}, 0, "go.mod has no lock file"),
    ("lockfile", {"node_modules/a/package.json": '{"dependencies": {"a": "1"}}'}, 100, "No manifest"),
    ("lockfile", {"package.json": "[" * 3000}, 100, "No manifest"),
    ("lockfile", {"requirements.txt": "a==1\r\n".encode("utf-16")}, 100, "Locked"),
    ("no-secrets", {"a.py": f"key = '{AWS}'"}, 75, "a.py:1 (AWS access key)"),
    ("no-secrets", {"a.py": f"x\ntoken = '{GITHUB}'"}, 75, "a.py:2 (GitHub token)"),
    ("no-secrets", {"a": KEY, "b": AWS}, 50, "a:1 (private key)"),
    ("no-secrets", {"k.py": "PEM = '-----BEGIN PRIVATE " + "KEY-----'\nif PEM in text: fail()"}, 100, "No credentials"),
    ("no-secrets", {"tests/key.pem": KEY}, 100, "in tests and examples: 1"),
    ("no-secrets", {"a.py": "key = 'AKIA" + "IOSFODNN7EXAMPLE'"}, 100, "No credentials"),
    ("no-secrets", {"a.py": f"key = '{AWS}'  # gitleaks:allow"}, 100, "No credentials"),
    ("no-secrets", {".env": "A=1\nDB_PASSWORD=Kx9mQ2vL7pTz"}, 75, ".env:2 (value for DB_PASSWORD)"),
    ("no-secrets", {".env": "DB_PASSWORD=changeme\nTOKEN=<yours>\nKEY=${X}"}, 100, "No credentials"),
    ("no-secrets", {".env": "JWT_SECRET=abcdefhgijqlmknoprstuvwxyzzy"}, 75, ".env:1 (value for JWT_SECRET)"),
    ("no-secrets", {".env": "API_TOKEN=https://bob:Kx9mQ2vL7p@db.harbour.test/"}, 75, "password in a URL"),
    ("no-secrets", {".env": POINTERS}, 100, "No credentials"),
    ("no-secrets", {".env.example": "DB_PASSWORD=Kx9mQ2vL7pTz"}, 100, "No credentials"),
    ("no-secrets", {"x.png": b"\0" + AWS.encode()}, 100, "No credentials"),
    ("ignore-files", {".gitignore": "__pycache__/\n", "requirements.txt": ""}, 100, "Nothing generated"),
    ("ignore-files", {".gitignore": "*.pyc\n", "setup.py": ""}, 100, "Nothing generated"),
    ("ignore-files", {".gitignore": "x\n", "package.json": ""}, 85, "does not cover node_modules/"),
    ("ignore-files", {"a": ""}, 60, "no .gitignore"),
    ("ignore-files", {".gitignore": "", "node_modules/a.js": "", "b.pyc": ""}, 40, "Generated and committed: b.pyc and 1 more"),
    ("ignore-files", {".gitignore": "", "tests/fixtures/node_modules/a.js": ""}, 100, "Nothing"),
    ("ignore-files", {".gitignore": "", "Dockerfile": "FROM a:1\nCOPY --chown=1 --from=b . .\n"}, 100, "Nothing"),
    ("ignore-files", {".gitignore": "", "api/Dockerfile": "FROM a:1\nCOPY . /app"}, 80, "api/Dockerfile:2 copies all of api/"),
    ("ignore-files", {".gitignore": "", "Dockerfile": "FROM a:1\nCOPY . /", ".dockerignore": ".git"}, 100, "Nothing"),
    ("ignore-files", {".gitignore": "", "Dockerfile": "FROM a:1\nCOPY --from=b ./x /\nCOPY src /"}, 100, "Nothing"),
]  # fmt: skip


PASSING = {
    ("changelog", 70),
    ("lockfile", 70),
    ("readme", 70),
    ("ci-configured", 70),
    ("license", 80),
    ("ignore-files", 85),
    ("ignore-files", 80),
}  # below 100


@pytest.mark.parametrize(("slug", "files", "score", "said"), CASES)
def test_verdicts(slug: str, files: dict[str, str | bytes], score: int, said: str) -> None:
    result = run(slug, files)
    assert (result["score"], said in result["message"]) == (score, True), result
    assert result["passed"] == (score == 100 or (slug, score) in PASSING)


def test_a_secret_is_never_shown() -> None:
    result = run("no-secrets", {"a.py": GITHUB, "b": KEY, ".env": "API_KEY=Kx9mQ2vL7pTz"})
    assert GITHUB not in str(result) and "Kx9mQ2vL7pTz" not in str(result) and BODY[:20] not in str(result)
    assert not result["passed"] and len(result["findings"]) == 3


@pytest.mark.parametrize("token", [
    AWS, GITHUB, "github_" + "pat_" + "a1B2c3D4e5" * 7, "glpat" + "-q8Zr2LkV7bXw3NcT5mYp", "xoxb" + "-81726354-k3J9q2Lm5Np8",
    "hooks.slack.com/services/" + "T0K1QZ7R/B8W2M4X6/q8Zr2LkV7bXw3NcT5mYp9Hs", "sk_" + "live_q8Zr2LkV7bXw3NcT5mYp",
    "AIza" + "q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1uR", "npm_" + "q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1uRt",
    "pypi-" + "AgEI" + "q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1uRtq8Zr2LkV7bXw3Nc", "hf_" + "q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1u",
    "SG." + "q8Zr2LkV7bXw3NcT5mYp9H.q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1uRtq8Zr2Lk", "dop_" + "v1_" + "9f3a7c1e5b2d8046" * 4,
    "AGE-SECRET" + "-KEY-1" + "Q8ZR2LKV7BXW3NCT5MYP9HSJ4DGF6AQE0URTQ8ZR2LKV7BXW3NCT5MYP9H",
])  # fmt: skip
def test_each_form_of_token_is_found(token: str) -> None:
    assert not run("no-secrets", {"a.txt": f"key: {token}"})["passed"]


def test_parameters_are_heard() -> None:
    assert run("no-large-files", {"a.pdf": b"x" * 3000}, limit_kb=1)["passed"] is False
    assert run("no-large-files", {"a.pdf": b"x" * 3000}, limit_kb=1, allow=["*.pdf"])["passed"] is True
    assert run("readme", {"README.md": "# a b"}, min_words=2)["passed"] is True


def test_every_policy_describes_itself() -> None:
    assert len(STARTER) == 10
    for packed in STARTER.values():
        assert packed.name != packed.slug and len(packed.description) > 40
        assert packed.description.splitlines()[0].endswith(".")


@pytest.mark.parametrize("slug", STARTER)
def test_every_policy_copes_with_an_empty_and_a_strange_repository(slug: str) -> None:
    run(slug, {})
    strange = {"README.md": b"\xff\xfe", "Dockerfile": "", "package.json": "{", "Cargo.toml": "[", "LICENSE": b"\xe9",
               ".github/workflows/x.yml": "\t", "CHANGELOG.md": "\n\n", "a\nb": "x", ".env": "=", "go.mod": ""}  # fmt: skip
    run(slug, strange)
    binary = [*strange, "requirements.txt", "pyproject.toml", ".gitignore", "tests/test_a.py", ".ci/run"]
    run(slug, dict.fromkeys(binary, b"\0"))


def test_the_sample_application_fails_two_policies_on_purpose() -> None:
    shop = Path(__file__).parents[2] / "examples" / "shop"
    files = {str(path.relative_to(shop)): path.read_bytes() for path in shop.rglob("*") if path.is_file()}
    failed = {slug for slug in STARTER if not run(slug, files)["passed"]}
    assert failed == {"changelog", "ci-configured"}
