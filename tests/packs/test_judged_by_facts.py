"""What policies make of Dockerfiles, licences, runtimes and manifests that people write in other ways than one expects."""

from pathlib import Path

import pytest

from tests.packs.trial import run

MIT = (Path(__file__).parents[2] / "LICENSE").read_text()
COMMIT = "0a" * 20


@pytest.mark.parametrize(("slug", "passed", "files"), [
    ("license", True, {"LICENSE": MIT.encode("utf-16")}), ("license", True, {"LICENSE": MIT.replace("\n", "\r\n")}),
    ("license", True, {"LICENSE.md": "# MIT License\n\n> " + MIT.replace("\n", "\n> ")}), ("license", False, {"docs/LICENSE": MIT}),
    ("docker-base-pinned", False, {"Dockerfile": "from PYTHON\n"}), ("docker-base-pinned", False, {"dockerfile": "FROM python\n"}),
    ("docker-base-pinned", True, {"Dockerfile": "ARG TAG=3.12\nFROM python:${TAG:-latest}\n"}),
    ("docker-user", True, {"Dockerfile": "ARG U=root\nFROM a:1\nARG U=app\nUSER $U\n"}), ("docker-user", False, {"Dockerfile": "ARG U=root\nFROM a:1\nARG U\nUSER ${U}\n"}),
    ("docker-user", False, {"Dockerfile": "FROM a:1\nONBUILD USER app\n"}), ("docker-user", False, {"Dockerfile": "FROM a:1\nUSER app\nFROM scratch\nCOPY --from=0 / /\n"}),
    ("docker-secrets", False, {"Dockerfile": "FROM a:1\nENV A=1 \\\n    DB_PASSWORD=q8Zr2LkV7b\n"}), ("docker-secrets", True, {"Dockerfile": "FROM a:1\nRUN <<EOF\nENV API_TOKEN=abcdef\nEOF\n"}),
    ("node-supported", True, {"package.json": '{"engines": {"node": ">=98"}}', "examples/a/.nvmrc": "10\n"}),
    ("python-supported", True, {"pyproject.toml": "[project]\nrequires-python='>=3.98'\nclassifiers=['Programming Language :: Python :: 3.6']\n"}),
    ("python-supported", False, {"a.py": "", ".github/workflows/a.yml": "jobs:\n  a:\n    strategy:\n      matrix:\n        python-version: ['3.7', '3.13']\n"}),
    ("supported-runtimes", False, {"Dockerfile": "FROM python:3.98-slim-stretch\n"}), ("supported-runtimes", False, {"Dockerfile": "FROM ubuntu:xenial\n"}),
    ("supported-runtimes", False, {"compose.yaml": "services:\n  a:\n    image: mysql:5.7\n"}), ("supported-runtimes", True, {"Dockerfile": "FROM ours/app:1.0\n"}),
    ("supported-runtimes", False, {"Dockerfile": f"FROM node:14@sha256:{'a' * 64}\n"}),
    ("dependencies-pinned", True, {"requirements.txt": "-r base.txt\n--index-url https://x.test\na[x,y]==1 ; python_version > '3'\n"}),
    ("dependencies-pinned", False, {"requirements.txt": "a~=1.0\n"}), ("dependencies-pinned", False, {"package.json": '{"dependencies": {"a": "latest"}}'}),
    ("dependencies-pinned", True, {"package.json": '{"dependencies": {"a": "^1"}}', "yarn.lock": '__metadata:\n  version: 6\n\n"a@npm:^1":\n  version: 1.0.0\n'}),
    ("dependency-sources", False, {"package.json": '{"dependencies": {"a": "git@x.test:b/a.git"}}'}), ("dependency-sources", True, {"package.json": '{"dependencies": {"@b/a": "1.0.0"}}'}),
    ("dependency-sources", True, {"pyproject.toml": f"[project]\ndependencies=['a']\n[tool.uv.sources]\na={{git='https://x.test/a', rev='{COMMIT}'}}\n"}),
    ("lock-current", True, {"package.json": '{"dependencies": {"a": "^1"}}', "pnpm-lock.yaml": "lockfileVersion: 5.4\nspecifiers:\n  a: ^1\npackages:\n  /a/1.0.0:\n    resolution: {}\n"}),
    ("lock-current", False, {"w/package.json": '{"dependencies": {"a": "^2"}}', "package-lock.json": '{"packages": {"": {}, "w": {"dependencies": {"a": "^1"}}, "node_modules/a": {}}}'}),
    ("lock-current", False, {"pyproject.toml": "[tool.poetry.dependencies]\npython='^3.12'\nrequests='^2'\n", "poetry.lock": '[[package]]\nname = "urllib3"\n'}),
    ("lock-current", True, {"Cargo.toml": "[dependencies]\nours={package='real-one', version='1'}\n", "Cargo.lock": '[[package]]\nname="real-one"\n'}),
])  # fmt: skip
def test_a_verdict(slug: str, files: dict[str, str | bytes], *, passed: bool) -> None:
    result = run(slug, files)
    assert result["passed"] is passed, result
