"""Verdicts on repositories that are laid out in other ways than most: each of these was once judged by a name, and wrongly."""

import base64
import random
from typing import Any

import pytest

from seatrial.agent.sandboxes import dependencies
from seatrial.wire.trials import FILES
from tests.packs.trial import judged, run

CHANCE = random.Random(11)
VALUE = "q8Zr2LkV7bXw3NcT5mYp9HsJ"  # nobody's
GITHUB = "ghp_" + "q8Zr2LkV7bXw3NcT5mYp9HsJ4dGf6aQe1uRt"
BODY = base64.b64encode(CHANCE.randbytes(600)).decode()
PEM = "-----BEGIN EC PRIVATE " + "KEY-----\\n" + BODY[:164] + "\\n-----END"
KEYSTORE = b"\xfe\xed\xfe\xed\0\0\0\2" + CHANCE.randbytes(64)
INSIDE = base64.b64encode(b"-----BEGIN RSA PRIVATE " + b"KEY-----\n" + BODY.encode()).decode()

SECRETS = [
    ({"app/.env.test": f"API_TOKEN={VALUE}"}, "app/.env.test:1"),
    ({".env.production.local": f"\n\nAPI_TOKEN={VALUE}"}, ".env.production.local:3"),
    ({"config/prod.env": f"API_TOKEN={VALUE}"}, "config/prod.env:1"),
    ({".envrc": f"export API_TOKEN='{VALUE}'"}, ".envrc:1"),
    ({".ENV": f"api_token={VALUE}"}, ".ENV:1"),
    ({".env": f"APP_KEY=base64:{VALUE}="}, ".env:1"),
    ({"api/.env": f"DATABASE_URL=postgres://ship:{VALUE}@db.harbour.test/ship"}, "api/.env:1 (password in a URL)"),
    ({"settings.py": f"URL = 'amqps://ship:{VALUE}@mq.harbour.test'"}, "settings.py:1 (password in a URL)"),
    ({"cache.yml": f"url: redis://:{VALUE}@cache.harbour.test:6379/0"}, "cache.yml:1"),
    ({"deploy/login.ps1": f'$token = "{GITHUB}"\r\n'.encode("utf-16-le")}, "deploy/login.ps1:1"),
    ({"deploy/login.ps1": f'$token = "{GITHUB}"\r\n'.encode("utf-16")}, "deploy/login.ps1:1"),
    ({"deploy/login.ps1": f'$token = "{GITHUB}"\r\n'.encode("utf-16-be")}, "deploy/login.ps1:1"),
    ({"web/config.json": '{"pad": "' + "abc " * 9000 + f'", "token": "{GITHUB}"}}'}, "web/config.json:1"),
    ({"a.txt": f"one\x0b\x0c\u2028two\ntoken {GITHUB}"}, "a.txt:2"),
    ({"account.json": '{"private_key": "' + PEM + '"}'}, "account.json:1 (private key)"),
    ({"Key.java": '"-----BEGIN PRIVATE ' + 'KEY-----\\n" +\n  "' + BODY[:64] + '\\n" +\n  "' + BODY[64:128] + '"'}, "Key.java:1"),
    ({"secret.yaml": f"tls.key: {INSIDE}"}, "secret.yaml:1 (private key in base64)"),
    ({"android/release.jks": KEYSTORE}, "android/release.jks (keystore)"),
    ({"certs/client.p12": KEYSTORE}, "certs/client.p12 (keystore)"),
    ({"notes.kdbx": KEYSTORE}, "notes.kdbx (keystore)"),
    ({"certs/client.pfx": KEYSTORE.replace(b"\0", b"\x01")}, "certs/client.pfx (keystore)"),
    ({"certs/client.p12": BODY + "\n" + BODY}, "certs/client.p12 (keystore)"),
    ({".npmrc": f"//npm.harbour.test/:_authToken={VALUE}"}, ".npmrc:1 (credential that a program logs in with)"),
    ({".pypirc": f"[a]\nusername = ship\npassword = {VALUE}"}, ".pypirc:3"),
    ({".netrc": f"machine git.harbour.test\nlogin ship\npassword {VALUE}"}, ".netrc:3"),
    ({".git-credentials": f"https://ship:{VALUE}@git.harbour.test"}, ".git-credentials:1"),
    ({".docker/config.json": '{"auths": {"r.harbour.test": {"auth": "c2hpcDp' + VALUE + '="}}}'}, "config.json:1"),
    ({".pgpass": f"db.harbour.test:5432:ship:ship:{VALUE}"}, ".pgpass:1"),
    ({"env.production": f"SECRET_KEY={VALUE}"}, "env.production:1"),
    ({".env": f"ROOT_PASSWORD: {VALUE}"}, ".env:1"),
    ({".env.keys": f'DOTENV_PRIVATE_KEY_PRODUCTION="{VALUE}"'}, ".env.keys:1"),
    ({"prod.tfvars": f'db_password = "{VALUE}"'}, "prod.tfvars:1"),
    ({"terraform.tfstate": f'{{"attributes": {{"password": "{VALUE}"}}}}'}, "terraform.tfstate:1"),
    ({"application-prod.properties": f"spring.datasource.password={VALUE}"}, "application-prod.properties:1"),
    ({"appsettings.json": f'"Server=db.harbour.test;Database=a;Password={VALUE};"'}, "password in a connection string"),
    ({"a.go": f'"ship:{VALUE}@tcp(db.harbour.test:3306)/a"'}, "a.go:1 (password in a connection string)"),
    ({"web/app.min.js": f"t='{GITHUB}'"}, "web/app.min.js:1"),
    ({"yarn.lock": f'resolved "https://ship:{VALUE}@npm.harbour.test/a.tgz"'}, "yarn.lock:1"),
    ({"a.txt": b"\xff\xfe\0\0" + f"\n{GITHUB}".encode("utf-32-le")}, "a.txt:2"),
    ({".aws/credentials": f"aws_secret_access_key = {VALUE}{VALUE[:16]}"}, "AWS secret key"),
]  # fmt: skip
NO_SECRETS = [
    {".env.example": f"API_TOKEN={VALUE}"}, {"sample.env": f"API_TOKEN={VALUE}"}, {".env.prod.template": f"API_TOKEN={VALUE}"},
    {"README.md": "postgres://user:password@localhost/db"}, {"compose.yml": "postgres://postgres:postgres@db:5432/app"},
    {"a.py": "f'postgres://{user}:{password}@{host}'"}, {"a.sh": "https://x:${GITHUB_TOKEN}@github.com/a/b"},
    {"a.go": 'fmt.Sprintf("https://%s:%s@%s", a, b, c)'}, {"docs/a.md": f"https://bob:{VALUE}@x.test"},
    {"android/debug.keystore": KEYSTORE}, {"truststore.jks": KEYSTORE}, {"tests/client.p12": KEYSTORE},
    {"notes.bks": "Where the chart shows a wreck, keep to the north of it.\n"},
    {".npmrc": "//npm.harbour.test/:_authToken=${NPM_TOKEN}"}, {".env.vault": f'DOTENV_VAULT="{VALUE}{VALUE}"'},
    {".env.production": f"API_TOKEN=encrypted:{VALUE}"}, {"a.properties": "a.password=${DB_PASSWORD}\nlogin.password=Kennwort\nb.token=Anmeldemarke"},
    {"appsettings.json": '"Server=localhost;Password=q8Zr2LkV7b;"'}, {"a.cs": 'Server=" + host + ";Password=" + password'},
    {"package-lock.json": '{"integrity": "sha512-q8Zr2LkV7bXw3NcT5mYp9HsJ=="}'}, {".docker/config.json": '{"credsStore": "secretservice"}'},
    {"find.py": "HEAD = '-----BEGIN RSA PRIVATE " + "KEY-----'"}, {"a.html": "https://example.com:443/@bob:12345678@x"},
]  # fmt: skip


@pytest.mark.parametrize(("files", "said"), SECRETS)
def test_a_secret_is_found_wherever_it_is_written(files: dict[str, Any], said: str) -> None:
    result = run("no-secrets", files)
    assert not result["passed"] and said in result["message"], result
    assert VALUE not in str(result) and len(result["findings"]) == 1, result


@pytest.mark.parametrize("files", NO_SECRETS)
def test_what_only_looks_like_a_secret_is_none(files: dict[str, Any]) -> None:
    result = run("no-secrets", files)
    assert result["passed"], result


def test_nothing_found_says_what_was_not_read() -> None:
    said = run("no-secrets", {"a.py": "", "b.png": b"\0", "go.sum": "x"})["message"]
    assert (
        "Files read: 1." in said
        and "above 1 MB: 1, such as b.png" in said
        and "vendored or allowed: 1" in said
    )


POSTGRES = """Portions Copyright (c) Regents

Permission to use, copy, modify, and distribute this software and its
documentation for any purpose, without fee, and without a written agreement
is hereby granted"""
BUSL = "License text copyright (c) 2020 MariaDB. Parameters\nChange License: Apache License, Version 2.0\n\nBusiness Source License 1.1"
CONDITIONS = "Redistribution and use in source and binary forms\n are permitted\n"
ISC = "Permission to use, copy, modify, and/or distribute this software for any\npurpose with or without fee is hereby granted"
LICENCES = [
    ({"COPYRIGHT": POSTGRES}, True, "COPYRIGHT:3 is PostgreSQL."),
    ({"LICENSE": BUSL}, True, "is BUSL-1.1. It limits use: it is no open-source licence."),
    ({"LICENSE": "Server Side Public License\nVERSION 1\n\nGNU General Public License"}, True, "LICENSE:1 is SSPL-1.0."),
    ({"LICENSE": '"Commons Clause" License Condition\n\nApache License, Version 2.0'}, True, "is Commons Clause."),
    ({"LICENSE": "Elastic License 2.0\n\nhttps://www.elastic.co"}, True, "is Elastic-2.0."),
    ({"LICENSE": ISC + ", provided that the above"}, True, "LICENSE:1 is ISC."),
    ({"LICENSE": ISC + "."}, True, "LICENSE:1 is 0BSD."),
    ({"LICENSE": CONDITIONS + "Neither the name of"}, True, "is BSD-3-Clause."),
    ({"LICENSE": CONDITIONS + "IN NO EVENT"}, True, "is BSD-2-Clause."),
    ({"LICENSE": CONDITIONS + "All advertising materials. Neither the name"}, True, "is BSD-4-Clause."),
    ({"LICENSE": "SPDX-License-Identifier: EUPL-1.2"}, True, "LICENSE:1 is EUPL-1.2."),
    ({"LICENSES/AFL-3.0.txt": "Academic words. " * 20}, True, "LICENSES/AFL-3.0.txt:1 is AFL-3.0."),
    ({"LICENSE": "Permission is hereby granted, free of charge\nThe Software shall be used for Good, not Evil."}, True, "is JSON"),
    ({"COPYING": "GNU GENERAL PUBLIC LICENSE\n  Version 2"}, True, "COPYING:1 is GPL-2.0."),
    ({"LICENSE": "Attribution-NonCommercial 4.0 International\n\nCreative Commons"}, True, "is CC-BY-NC. It limits use"),
    ({"LICENSE": "Apache\n"}, False, "LICENSE has no text but a name."),
    ({"COPYRIGHT": "Copyright 2026 Ship Ltd."}, False, "No licence file"),
    ({"NOTICE": "This product includes software."}, False, "No licence file"),
    ({"a.c": "/* SPDX-License-Identifier: MIT */"}, False, "a.c:1 names a licence, but its text is missing"),
    ({"README.md": "# Ship\n\n## License\nMIT"}, False, "README.md:3 names a licence, but its text is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "passed", "said"), LICENCES)
def test_licences(files: dict[str, Any], passed: bool, said: str) -> None:
    result = run("license", files)
    assert (result["passed"], said in result["message"]) == (passed, True), result


def test_only_the_licences_that_are_allowed_pass() -> None:
    assert "allowed are MIT" in run("license", {"LICENSE": BUSL}, allow=["MIT"])["message"]
    assert run("license", {"COPYRIGHT": POSTGRES}, allow=["PostgreSQL"])["passed"]


TESTS = [
    ({"a.py": "", "polls/tests.py": "class PollTests(TestCase):\n    def test_a(self): ..."}, "polls/tests.py:1"),
    ({"index.js": "", "test.js": "const test = require('node:test')\ntest('left', () => {})"}, "test.js:2"),
    ({"a.go": "", "a_test.go": "package a\nfunc TestA(t *testing.T) {}"}, "a_test.go:2"),
    ({"A.java": "", "src/test/java/ATest.java": "class ATest {\n  @Test void a() {} }"}, "ATest.java:2"),
    ({"a.rb": "", "spec/a_spec.rb": "describe Ship do\n  it 'sails' do\n"}, "spec/a_spec.rb:1"),
    ({"a.ts": "", "src/__tests__/a.ts": "it.each([1])('a', () => {})"}, "src/__tests__/a.ts:1"),
    ({"a.py": "def f():\n    '''\n    >>> f()\n    '''", "tox.ini": "[testenv]\ncommands = pytest --doctest-modules"}, "tox.ini:2 runs: 1"),
    ({"a.rs": "/// ```\n/// assert!(true)\n/// ```\nfn a() {}"}, "a.rs:1"),
    ({"a.c": "", "regress/a.sh": "#!/bin/sh\n[ x = y ] || exit 1"}, "regress/a.sh:2"),
    ({"a.php": "", "tests/ATest.php": "class ATest {\n public function testA() {} }"}, "tests/ATest.php:2"),
    ({"a.swift": "", "Tests/ATests.swift": "func testA() {}"}, "Tests/ATests.swift:1"),
    ({"a.ps1": "", "a.Tests.ps1": "Describe 'a' { It 'b' { } }\n# x\n@test"}, "a.Tests.ps1"),
    ({"a.R": "", "tests/testthat/test-a.R": "test_that('a', {})"}, "test-a.R:1"),
    ({"a.exs": "", "test/a_test.exs": 'test "a" do\nend'}, "test/a_test.exs:1"),
    ({"a.clj": "", "test/a_test.clj": "(deftest a)"}, "test/a_test.clj:1"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "said"), TESTS)
def test_tests_are_found_where_their_language_has_them(files: dict[str, Any], said: str) -> None:
    result = run("tests-present", files)
    assert result["passed"] and said in result["message"], result


@pytest.mark.parametrize("files", [
    {"a.py": "def f():\n    '''\n    >>> f()\n    '''"}, {"a.py": "", "tests/__init__.py": ""}, {"a.js": "", "test.js": "// test('a')\n"},
    {"contest.py": "def test_a(): ..."}, {"a.go": "", "node_modules/b/test.js": "test('b', () => {})"},
])  # fmt: skip
def test_what_only_looks_like_a_test_is_none(files: dict[str, Any]) -> None:
    assert not run("tests-present", files)["passed"]


DEPENDS = "[project]\ndependencies = ['a']"
COMMIT = "0a" * 20


@pytest.mark.parametrize(("files", "said"), [
    ({"requirements.txt": "a==1\n-e git+https://x.test/a@main#egg=a\n", "Dockerfile": ""}, "requirements.txt:2 does not pin git+https"),
    ({"requirements.txt": "ship @ git+https://x.test/a@v1\n", "Dockerfile": ""}, "requirements.txt:1 does not pin ship"),
    ({"requirements.txt": "https://x.test/a.zip\n", "Dockerfile": ""}, "use a whole commit or a hash"),
    ({"requirements.txt": "a==1.*\n", "Dockerfile": ""}, "does not pin a==1.*"),
    ({"requirements.txt": "a==1\x0c\nb\n", "Dockerfile": ""}, "requirements.txt:2 does not pin b"),
    ({"package.json": '{"dependencies": {"a": "1"}}', "yarn.lock": "", "Procfile": ""}, "package.json has no lock file"),
    ({"requirements.in": "a\n", "Procfile": ""}, "requirements.in has no lock file"),
    ({"environment.yml": "dependencies:\n- python\n", "Procfile": ""}, "environment.yml has no lock file"),
    ({"requirements.txt": "a==1\nb\n".encode("utf-16"), "Procfile": ""}, "requirements.txt:2 does not pin b"),
    ({"pyproject.toml": DEPENDS, "deploy/Dockerfile": ""}, "deploy/Dockerfile deploys it"),
])  # fmt: skip
def test_dependencies_that_are_not_locked(files: dict[str, Any], said: str) -> None:
    result = run("lockfile", files)
    assert not result["passed"] and said in result["message"], result


def test_as_many_manifests_as_a_repository_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are read in one go, in folders whose names are patterns when nobody takes care."""
    monkeypatch.setattr(dependencies, "MOST_MANIFESTS", 300)
    folders = [*(f"service-{n}" for n in range(520)), "a [1]*", "[!a]", "b ?"]
    files: dict[str, Any] = {
        "Procfile": "",
        **{f"{one}/go.mod": "module a\nrequire b v1.0.0\n" for one in folders},
    }
    locked = {f"{one}/go.sum": "b v1.0.0 h1:a=" for one in folders}
    assert run("lockfile", {**files, **locked})["score"] == 100
    result = run("lockfile", files)
    assert not result["passed"] and result["findings_left_out"] == 323, result["message"]


@pytest.mark.parametrize("slug", ["lock-current", "dependencies-pinned", "dependency-sources"])
def test_a_monorepo_is_judged_by_what_was_read_and_told_how_much_was_not(
    slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dependencies, "MOST_MANIFESTS", 2)
    files: dict[str, Any] = {
        "package.json": '{"dependencies": {"b": "1.0.0"}}',
        "package-lock.json": '{"packages": {"node_modules/b": {"version": "1.0.0"}}}',
        **{f"apps/a{n}/package.json": '{"dependencies": {"b": "1.0.0"}}' for n in range(5)},
    }
    given = {FILES: files}
    result = judged(slug, given, {})
    assert result.state == "passed" and "Not looked at: 4 more" in result.message, result


@pytest.mark.parametrize("slug", ["lockfile", "lock-current", "dependencies-pinned", "dependency-sources"])
def test_installed_packages_that_are_committed_stand_in_no_ones_way(slug: str) -> None:
    files: dict[str, Any] = {
        f"web/node_modules/a{n}/package.json": '{"dependencies": {"b": "*"}}' for n in range(501)
    }
    own = {
        "web/package.json": '{"dependencies": {"b": "1.0.0"}}',
        "web/package-lock.json": '{"packages": {"node_modules/b": {"version": "1.0.0"}}}',
    }
    result = run(slug, {**files, **own})
    assert result["passed"] and result["score"] == 100, result


@pytest.mark.parametrize(("files", "score"), [
    ({"requirements.txt": f"-e .\n-e .[dev]\n-e ./lib\n-e git+https://x.test/a@{COMMIT}#egg=a\n--find-links https://x.test\n", "Dockerfile": ""}, 100),
    ({"requirements.txt": "ship @ https://x.test/a.zip#sha256=" + "0" * 64, "Dockerfile": ""}, 100),
    ({"pyproject.toml": DEPENDS, ".devcontainer/Dockerfile": "", "tests/docker/Dockerfile": ""}, 70),
    ({"pyproject.toml": DEPENDS, "Dockerfile.test": "", "docker-compose.dev.yml": "services: {a: {build: .}}"}, 70),
    ({"pyproject.toml": DEPENDS, "compose.yaml": "services:\n  db:\n    image: postgres:17"}, 70),
    ({"go.mod": "require b v1", "ci.Dockerfile": ""}, 70),
])  # fmt: skip
def test_dependencies_that_may_be_as_they_are(files: dict[str, Any], score: int) -> None:
    result = run("lockfile", files)
    assert result["passed"] and result["score"] == score, result
