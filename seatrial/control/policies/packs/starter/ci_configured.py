"""Something tests every change by itself.

Looks for a CI service's configuration that a push or a pull request starts, and in it for a command that runs tests; a check of
style alone is named as such. Workflows for GitHub, Forgejo and Gitea and pipelines for GitLab are read as the services read them:
what starts them, which workflows and actions of this repository they call, what is switched off. Schedules, stale issues, labels and
checks of commit messages test nothing.
"""

import re
from posixpath import normpath

NAME = "Continuous integration"
TESTS = [
    {"name": "tests", "input": {"files": {".github/workflows/a.yml": "on: push\njobs:\n  a:\n    steps:\n    - run: make test\n"}}, "expected": {"passed": True, "score": 100, "message": {"contains": "a.yml:5: make test"}}},
    {"name": "no change starts it", "input": {"files": {".github/workflows/a.yml": "on: workflow_dispatch\njobs:\n  a:\n    steps:\n    - run: make test\n"}}, "expected": {"passed": False, "score": 40}},
    {"name": "stale issues", "input": {"files": {".github/workflows/a.yml": "on: {schedule: [{cron: '0 0 * * *'}]}\njobs:\n  a:\n    steps:\n    - uses: actions/stale@v9\n"}}, "expected": {"passed": False}},
    {"name": "GitLab", "input": {"files": {".gitlab-ci.yml": "unit:\n  script: [tox]\n"}}, "expected": {"passed": True, "score": 100}},
    {"name": "none", "input": {"files": {"Makefile": "test:"}}, "expected": {"passed": False, "score": 0}},
]  # fmt: skip

SERVICES = [  # those whose files are searched line by line
    ("CircleCI", r"\.circleci/config\.ya?ml", r"^\s*(jobs|workflows)\s*:"),
    ("Jenkins", r"Jenkinsfile(\.\w+)?", r"\S"),
    ("Woodpecker", r"\.woodpecker(/[^/]+)?\.ya?ml", r"^\s*(steps|pipeline)\s*:"),
    ("Drone", r"\.drone\.ya?ml", r"^\s*steps\s*:"),
    ("Travis", r"\.travis\.yml", r"\S"),
    ("Azure Pipelines", r"\.?azure-pipelines\.ya?ml", r"^\s*-?\s*(steps|jobs|stages|extends)\s*:"),
    ("Bitbucket Pipelines", r"bitbucket-pipelines\.yml", r"^\s*pipelines\s*:"),
    ("Buildkite", r"\.buildkite/pipeline\.ya?ml", r"^\s*steps\s*:"),
    ("SourceHut", r"\.build\.yml|\.builds/[^/]+\.yml", r"^\s*tasks\s*:"),
    ("Cirrus", r"\.cirrus\.yml", r"\S"),
    ("AppVeyor", r"\.?appveyor\.ya?ml", r"\S"),
    ("Cloud Build", r"cloudbuild\.ya?ml", r"^\s*steps\s*:"),
    ("CodeBuild", r"buildspec\.ya?ml", r"^\s*phases\s*:"),
    ("TeamCity", r"\.teamcity/(.+/)?settings\.kts|\.teamcity/.+\.xml", r"\S"),
    ("a script", r"\.ci/[^/]+", r"\S"),
]
ACTIONS = re.compile(r"\.(github|forgejo|gitea)/workflows/[^/]+\.ya?ml")
GITLAB = ".gitlab-ci.yml"
STYLED = r"(?:ruff|biome|fmt|format\w*|lint\w*|\w+lint|prettier|black|isort|mypy|pyright|clippy|deny|audit)"
BETWEEN = rf"(?:(?!\b{STYLED}\b)[^\n#|;&]){{0,200}}?"  # from a program to its argument
RUNNERS = (
    "go|npm|pnpm|yarn|bun|deno|dotnet|swift|flutter|dart|mix|sbt|lein|stack|cabal|bazel|bazelisk|meson|buck2?|rake|ant|composer|zig|hatch|poe"
    "|poetry|uv|pixi|just|task|mage|rails|gleam|crystal|elm|xcodebuild|dune|opam|nim|nimble|mvnw?|gradlew?|moon|nx|turbo|lerna|earthly|dagger"
)
TESTING = re.compile(
    r"\b(?:(?:pytest|tox|nox|ctest|rspec|phpunit|jest|vitest|mocha|ava|karma|busted|bats|unittest|nextest|prove|trial|behave|robot|invoke-pester"
    r"|playwright test|cypress run|manage\.py test|runtests?|node --test|flake check|R CMD check)(?![\w./-])|cypress-io/\S+"
    rf"|(?:{RUNNERS})\b{BETWEEN}(?:[\s:+/=]|\w-)(?:test\w*|tests|check|verify|t|ci)\b"
    rf"|cargo\b{BETWEEN}\s(?:test|t)\b|(?:make|ninja|gmake)\b{BETWEEN}(?:\s|\w-)(?:test\w*|check\w*|ci|verify|distcheck)\b"
    r"|mvnw? [^\n]{0,200}?\b(?:package|install|deploy)|gradlew? [^\n]{0,200}?\bbuild)"
    r"|(?:^|[&;|('\"\[,:]|\{\{|\b(?:bash|sh|run|exec|time|sudo|python3?|node|ruby|perl|pwsh)\s)\s*(?:- )?(?:\.{0,2}/)?(?:[\w.-]+/)*"
    r"(?!(?:la|at|grea|fas|con|pro)test)[\w.-]*\b(?:tests?|check|verify|ci)(?:\.\w+)?(?=$|[\s&;|)'\"\],])",
    re.IGNORECASE | re.MULTILINE,
)
STYLE = re.compile(
    r"\b(lint\w*|\w+lint|\w+-lint\S*|ruff|flake8|black|mypy|pyright|prettier|pre-commit\S*|prek|clippy|rustfmt|fmt|vet|shellcheck|tsc|typecheck|rubocop|cargo check|biome|isort)\b",
    re.IGNORECASE,
)
OTHERWISE = re.compile(
    r"^\s*(- )?(echo|printf|cat)\b|commit[- _]?(lint|message|msg|check)|check[- _]commit|conventional|stale|\blabel|link[- ]?check|lychee|spell|typos|licen[cs]e|changelog"
    r"|\bdco\b|\bcla\b|title|triage|checkout|cache|upload|download|artifact|codecov|coverall|dependency-review|dorny|apt(-get)? |pip install|(npm|pnpm|bun|yarn) (ci|i|install)\b"
    r"|setup-|check-in|checksum|sha256|git |check[- _]?(for|if)|test -[a-z] |--version|\bcurl\b|\bpublish|attest",
    re.IGNORECASE,
)
HEREDOC = re.compile(r"(?<!<)<<-?[ \t]*[\"']?(\w+)")
PARTS = re.compile(r"(\n|&&|\|\||;)")  # between commands; kept, so that lines can be counted
CHANGES = {"push", "pull_request", "pull_request_target", "merge_group"}
OF_PULL_REQUESTS = {"opened", "synchronize", "reopened"}


def evaluate(project):
    files = project.files
    workflows = {path: load(project, path) for path in files.matching(ACTIONS, whole=True)}
    pipelines = actions(project, workflows) + gitlab(project, files) + others(project, files)
    if not pipelines:
        return verdict(
            0,
            f"No CI configuration among {len(files)} files. Add one that runs the tests on every change.",
            [],
        )
    best = max(pipelines, key=lambda pipeline: pipeline["score"])
    return verdict(best["score"], best["message"], pipelines)


def pipeline(score, path, message):
    return {"score": score, "path": path, "message": message}


def judged(service, path, found, away):
    """What the commands of something that changes start amount to."""
    for score, pattern, what in ((100, TESTING, "tests"), (80, STYLE, "checks")):
        for where, line, command in found:
            text = "".join("" if OTHERWISE.search(part) else part for part in PARTS.split(command))
            match = pattern.search(text)
            if match:
                at = line + text.count("\n", 0, match.start())
                shown = match[0].strip(" \t\n-,;:&|([{\"'")[:60]
                only = "" if score == 100 else ", but no step of it looks like a test"
                return pipeline(score, path, f"{service} {what} changes ({where}:{at}: {shown}){only}.")
    if away:
        return pipeline(
            80, path, f"{service} runs {away[0]}, which is not in this repository and was not read."
        )
    return pipeline(70, path, f"{service} runs {path}, but no step of it looks like a test.")


def load(project, path):
    """(data, lines) of the first document, or why there is none."""
    try:
        documents = project.get_yaml(path) or []
    except ValueError as error:
        return str(error)
    data = documents[0]["data"] if documents else None
    return (data, documents[0]["lines"]) if isinstance(data, dict) else f"{path} is there, but has no job"


# Workflows of GitHub and its likes


def actions(project, workflows):
    found = []
    readable = {path: loaded for path, loaded in workflows.items() if not isinstance(loaded, str)}
    started = started_by_changes(readable)
    for path, loaded in workflows.items():
        service = "GitHub Actions" if path.startswith(".github/") else "Forgejo Actions"
        if isinstance(loaded, str):
            found.append(pipeline(30, path, f"{loaded}."))
        elif not jobs_of(loaded[0]):
            found.append(pipeline(30, path, f"{path} is there, but has no job."))
        elif path in started:
            commands, away = commands_of(project, readable, path, set())
            found.append(judged(service, path, commands, away))
        else:
            found.append(
                pipeline(
                    40,
                    path,
                    f"{path} is there, but no change starts it (on: {', '.join(triggers(loaded[0])) or 'nothing'}).",
                )
            )
    return found


def jobs_of(data):
    jobs = data.get("jobs")
    return (
        {name: job for name, job in jobs.items() if isinstance(job, dict)} if isinstance(jobs, dict) else {}
    )


def triggers(data):
    on = data.get("on", data.get("true"))
    if isinstance(on, str):
        return {on: None}
    if isinstance(on, list):
        return {str(name): None for name in on}
    return on if isinstance(on, dict) else {}


def started_by_changes(workflows):
    started = {
        path for path, (data, _) in workflows.items() if any(starts(*pair) for pair in triggers(data).items())
    }
    names = {data.get("name", path): path for path, (data, _) in workflows.items()}
    for _ in workflows:  # those that another one starts when it has ended
        for path, (data, _) in workflows.items():
            after = (triggers(data).get("workflow_run") or {}) if "workflow_run" in triggers(data) else {}
            before = after.get("workflows") if isinstance(after, dict) else None
            if any(names.get(name) in started for name in (before if isinstance(before, list) else [before])):
                started.add(path)
    return started


def starts(event, options):
    if event not in CHANGES:
        return False
    options = options if isinstance(options, dict) else {}
    if any("**" in as_list(options.get(name)) for name in ("paths-ignore", "branches-ignore")):
        return False
    if event == "push":
        return not ("tags" in options and "branches" not in options and "branches-ignore" not in options)
    types = options.get("types")
    types = [types] if isinstance(types, str) else types
    return event == "merge_group" or not types or bool(OF_PULL_REQUESTS & {str(kind) for kind in types})


def as_list(value):
    return value if isinstance(value, list) else [value]


def commands_of(project, workflows, path, seen):
    """[(file, line, text)] of what its jobs run, and what they call that is elsewhere."""
    seen.add(path)
    data, lines = workflows[path]
    found, away = [], []
    for name, job in jobs_of(data).items():
        if str(job.get("if", "")).strip().lower() in ("false", "${{ false }}"):
            continue
        called = str(job.get("uses", ""))
        local = normpath(called.partition("@")[0]) if called.startswith("./") else None
        if local in workflows and local not in seen:
            more, further = commands_of(project, workflows, local, seen)
            found += more
            away += further
        elif called and not local:
            away.append(called)
        varied = (
            str((job.get("strategy") or {}).get("matrix", ""))
            if isinstance(job.get("strategy"), dict)
            else ""
        )
        found += steps(project, path, job.get("steps"), lines, f"jobs/{name}/steps", varied, seen)
    return found, away


def steps(project, path, listed, lines, at, varied, seen):
    found = []
    for number, step in enumerate(listed if isinstance(listed, list) else []):
        if not isinstance(step, dict):
            continue
        here = f"{at}/{number}"
        if isinstance(step.get("run"), str):
            script = without_heredocs(step["run"].split("\n"))
            first = lines.get(f"{here}/run", lines.get(here, 1)) + (1 if len(script) > 1 else 0)
            script = [re.sub(r"(^|\s)#.*", "", line) for line in script]
            found.append((path, first, "\n".join(script)))
            if "matrix." in step["run"]:
                found.append((path, first, varied))
        uses = str(step.get("uses", ""))
        local = normpath(uses) if uses.startswith("./") else None
        if local and local not in seen:
            seen.add(local)
            found += composite(project, local, seen)
        elif uses:
            options = step.get("with") if isinstance(step.get("with"), dict) else {}
            text = " ".join([re.split("[/@]", uses + "/")[1], *(str(value) for value in options.values())])
            if not OTHERWISE.search(uses):
                found.append((path, lines.get(f"{here}/uses", 1), text.replace("\n", " ")))
    return found


def without_heredocs(lines):
    """What a script only writes somewhere, as empty lines."""
    ends, within, kept = {line.strip() for line in lines}, None, []
    for line in lines:
        kept.append("" if within else line)
        match = HEREDOC.search(line)
        if within:
            within = None if line.strip() == within else within
        elif match and match[1] in ends:
            within = match[1]
    return kept


def composite(project, folder, seen):
    """What an action of this repository runs."""
    for path in (f"{folder}/action.yml", f"{folder}/action.yaml"):
        loaded = load(project, path)
        if not isinstance(loaded, str) and isinstance(loaded[0].get("runs"), dict):
            return steps(project, path, loaded[0]["runs"].get("steps"), loaded[1], "runs/steps", "", seen)
    return []


# GitLab

WORDS = {
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "cache",
    "before_script",
    "after_script",
    "spec",
    "pages",
}
UNASKED = re.compile(r"schedule|\bweb\b|trigger|api|\$CI_COMMIT_TAG\s*(\)|$)|^tags$")


def gitlab(project, files):
    if GITLAB not in files:
        return []
    loaded = load(project, GITLAB)
    if isinstance(loaded, str):
        return [pipeline(30, GITLAB, f"{loaded}.")]
    jobs, away = gitlab_jobs(project, GITLAB, loaded, set())
    if not jobs and not away:
        return [pipeline(30, GITLAB, f"{GITLAB} is there, but has no job.")]
    unasked = [found for wanted, found in jobs if wanted]
    if not unasked and not away:
        return [pipeline(40, GITLAB, f"{GITLAB} is there, but no change starts a job of it.")]
    return [judged("GitLab CI", GITLAB, [command for found in unasked for command in found], away)]


def gitlab_jobs(project, path, loaded, seen):
    """[(whether a change starts it, [(file, line, text)])] of each job, and what is included from elsewhere."""
    seen.add(path)
    data, lines = loaded
    jobs, away = [], []
    included = data.get("include") or []
    for one in included if isinstance(included, list) else [included]:
        local = one if isinstance(one, str) else one.get("local") if isinstance(one, dict) else None
        local = str(local).lstrip("/") if local else None
        inner = load(project, local) if local and local not in seen else None
        if inner and not isinstance(inner, str):
            more, further = gitlab_jobs(project, local, inner, seen)
            jobs += more
            away += further
        elif not local or "://" in local:
            away.append(str(one)[:80])
    for name, job in data.items():
        if (
            isinstance(job, dict)
            and name not in WORDS
            and not name.startswith(".")
            and {"script", "trigger", "extends"} & set(job)
        ):
            base = data.get(job["extends"]) if isinstance(job.get("extends"), str) else None
            whole = {**base, **job} if isinstance(base, dict) else job
            jobs.append((gitlab_starts(whole), gitlab_script(path, name, whole, lines)))
    return jobs, away


def gitlab_script(path, name, job, lines):
    script = job.get("script") or job.get("trigger") or ""
    listed = script if isinstance(script, list) else [script]
    found = [
        (path, lines.get(f"{name}/script/{i}", lines.get(f"{name}/script", lines.get(name, 1))), str(one))
        for i, one in enumerate(listed)
    ]
    return found if script else [(path, lines.get(name, 1), name)]


def gitlab_starts(job):
    if job.get("when") == "manual":
        return False
    rules = job.get("rules")
    if isinstance(rules, list) and rules:
        usable = [r for r in rules if isinstance(r, dict) and r.get("when") not in ("never", "manual")]
        return any(not UNASKED.search(str(rule.get("if", ""))) for rule in usable)
    only = job.get("only")
    only = only.get("refs") if isinstance(only, dict) else only
    only = [only] if isinstance(only, str) else only
    return not only or any(not re.fullmatch("schedules|web|triggers|api|tags", str(ref)) for ref in only)


# All others: a line that looks like a test


def others(project, files):
    found = []
    for path in files.matching("|".join(f"(?:{name})" for _, name, _ in SERVICES), whole=True):
        for service, name, job in SERVICES:
            if re.fullmatch(name, path):
                text = without_comments(read(project, path))
                lines = [(path, number, line) for number, line in enumerate(text.split("\n"), 1)]
                if unasked(project, service, path, text):
                    found.append(pipeline(40, path, f"{path} is there, but no change starts it."))
                elif re.search(job, text, re.MULTILINE):
                    found.append(judged(service, path, lines, []))
                else:
                    found.append(pipeline(30, path, f"{path} is there, but has no job."))
    return found


def unasked(project, service, path, text):
    """Whether it says that only other events than changes start it."""
    if service != "Woodpecker":
        return all(re.search(rf"^{name}\s*:\s*none\b", text, re.MULTILINE) for name in ("trigger", "pr"))
    loaded = load(project, path)
    when = [] if isinstance(loaded, str) else as_list(loaded[0].get("when") or [])
    events = [as_list(one.get("event", "push")) for one in when if isinstance(one, dict)]
    return bool(events) and not any({"push", "pull_request"} & {str(one) for one in each} for each in events)


def read(project, path):
    try:
        return project.get_file_content(path) or ""
    except ValueError:  # no text: a program in .ci, say
        return ""


def without_comments(text):
    return "\n".join("" if re.match(r"\s*(#|//)", line) else line for line in text.split("\n"))


def verdict(score, message, pipelines):
    findings = [] if score >= 70 else [
        {"path": one["path"], "message": one["message"], "severity": "medium"} for one in pipelines[:100]
    ]  # fmt: skip
    details = {"files": [{"path": one["path"], "score": one["score"]} for one in pipelines[:100]]}
    return {
        "passed": score >= 70,
        "score": score,
        "message": message,
        "findings": findings,
        "details": details,
    }
