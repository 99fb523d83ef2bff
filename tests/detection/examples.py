"""Repositories without a recipe, as people have them. What each becomes lies in `golden`."""

from collections.abc import Mapping

from seatrial.detection import Files, Nothing, Plan, detect, files_of, wanted

DJANGO = "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
RAILS = "source 'x'\nruby file: '.ruby-version'\ngem 'rails', '~> 8.0'\ngem 'puma'\n"
SPRING = "<project><parent><groupId>org.springframework.boot</groupId></parent><java.version>17</java.version></project>"

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "flask-pip": {"requirements.txt": "Flask==3.1\ngunicorn\n", "app.py": FLASK, ".python-version": "3.12.4\n"},
    "fastapi-uv": {
        "pyproject.toml": "[project]\nrequires-python = '>=3.11,<3.13'\ndependencies = ['fastapi[standard]>=0.1']\n",
        "uv.lock": "", "app/main.py": "from fastapi import FastAPI\n\napp: FastAPI = FastAPI()\n",
    },
    "django-poetry": {
        "pyproject.toml": "[tool.poetry.dependencies]\npython = '^3.12'\nDjango = '^5'\ngunicorn = '*'\n",
        "poetry.lock": "", "manage.py": DJANGO, "shop/wsgi.py": "", "package.json": '{"scripts": {"build": "x"}}',
    },
    "streamlit-pipenv": {
        "Pipfile": "[packages]\nstreamlit = '*'\n[requires]\npython_version = '3.11'\n", "Pipfile.lock": "{}", "app.py": "",
    },
    "procfile": {"Procfile": "worker: x\nweb: python serve.py --port $PORT\n", "requirements.txt": "-r base.txt\n"},
    "node-npm": {
        "package.json": '{"scripts": {"start": "node server.js"}, "dependencies": {"express": "4"}, "engines": {"node": ">=18 <21"}}',
        "package-lock.json": "{}", ".npmrc": "", "server.js": "",
    },
    "next-pnpm": {
        "package.json": '{"packageManager": "pnpm@9.1.0", "scripts": {"build": "next build"}, "dependencies": {"next": "15"}}',
        "pnpm-lock.yaml": "", ".nvmrc": "lts/jod\n",
    },
    "vite-yarn": {
        "package.json": '{"scripts": {"build": "vite build", "start": "vite"}, "devDependencies": {"vite": "6"}}',
        "yarn.lock": "", "vite.config.ts": "export default { build: { outDir: './out/web' } }", "index.html": "",
    },
    "bun-workspaces": {
        "package.json": '{"workspaces": ["a"], "scripts": {"start": "bun a/index.ts"}}', "bun.lock": "", "a/package.json": "{}",
    },
    "go": {
        "go.mod": "module example.org/harbour/shop\n\ngo 1.22\ntoolchain go1.23.4\n", "go.sum": "", "cmd/shop/main.go": "package main\n",
        "cmd/tool/main.go": "package main\n",
    },
    "rails": {"Gemfile": RAILS, "Gemfile.lock": "", "bin/rails": "", "config.ru": "", ".ruby-version": "ruby-3.3.6\n", "app/assets/x.css": ""},
    "sinatra": {"Gemfile": "ruby '~> 3.2'\ngem 'sinatra'\ngem 'puma'\n", "config.ru": "run App\n", "app.rb": ""},
    "laravel": {
        "composer.json": '{"require": {"php": "^8.2", "laravel/framework": "^11", "ext-gd": "*", "ext-bcmath": "*"}}',
        "composer.lock": "{}", "public/index.php": "<?php", "package.json": "{}",
    },
    "php": {"index.php": "<?php phpinfo();"},
    "spring-maven": {"pom.xml": SPRING, "mvnw": "", ".mvn/wrapper/maven-wrapper.properties": ""},
    "quarkus-gradle": {"build.gradle.kts": "plugins { id(\"io.quarkus\") }\njava { toolchain { languageVersion = JavaLanguageVersion.of(21) } }\n"},
    "static": {"public/index.html": "<h1>", "README.md": ""},
}  # fmt: skip


def files(given: Mapping[str, str]) -> Files:
    """What a detection sees of these texts."""
    return files_of(given, {name: given[name].encode() for name in wanted(given)})


def plan(given: Mapping[str, str]) -> Plan:
    """What they become. Fails if nothing is detected."""
    found = detect(files(given))
    assert isinstance(found, Plan), str(found)
    return found


def nothing(given: Mapping[str, str]) -> str:
    """Why they become nothing. Fails if they become something."""
    found = detect(files(given))
    assert isinstance(found, Nothing), found
    return str(found)
