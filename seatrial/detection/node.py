"""Node.js: which program installs, whether there is something to build, and what serves the result."""

import re
from typing import Any

from seatrial.detection.files import Files, table, word
from seatrial.detection.node_install import Manager, manager_of
from seatrial.detection.plan import PORT, Draft, Missed, Plan, Reason, listening, program, shell
from seatrial.detection.static import PLACE, served
from seatrial.detection.versions import LTS, NODES, tool, within

# What builds pages for browsers: its package, its name, the folder that the build leaves, whether it routes in the browser.
BUILDERS = (
    ("@docusaurus/core", "Docusaurus", "build", False),
    ("gatsby", "Gatsby", "public", False),
    ("astro", "Astro", "dist", False),
    ("@11ty/eleventy", "Eleventy", "_site", False),
    ("react-scripts", "Create React App", "build", True),
    ("@vue/cli-service", "Vue CLI", "dist", True),
    ("vite", "Vite", "dist", True),
    ("parcel", "Parcel", "dist", True),
)
# What has a server of its own after the build, where no script says how to start it.
SERVERS = (
    ("next", "Next.js", "next start --hostname 0.0.0.0 --port $PORT"),
    ("nuxt", "Nuxt", "node .output/server/index.mjs"),
    ("@sveltejs/adapter-node", "SvelteKit", "node build"),
    ("@react-router/serve", "React Router", "react-router-serve ./build/server/index.js"),
    ("@remix-run/serve", "Remix", "remix-serve ./build/server/index.js"),
    ("@nestjs/core", "NestJS", "node dist/main.js"),
    ("@astrojs/node", "Astro", "HOST=0.0.0.0 node ./dist/server/entry.mjs"),
)
DEVELOPMENT = re.compile(
    r"(vite|astro|gatsby|docusaurus|eleventy|parcel|react-scripts|vue-cli-service)\b(?!.*\b(preview|serve\s+-s)\b)"
)
FOLDER = r"outDir:\s*[\"'](?:\./)?([A-Za-z0-9_][\w-]{0,62}(?:/[A-Za-z0-9_][\w-]{0,62}){0,4})[\"']"
SCRIPTS = (
    "server.js",
    "app.js",
    "index.js",
    "server.mjs",
    "index.mjs",
    "src/server.js",
    "src/index.js",
    "src/app.js",
)
LIBRARIES = ("express", "fastify", "koa", "@hapi/hapi", "hono", "polka", "restify", "socket.io", "ws")


def detect(files: Files) -> Plan | Missed | None:
    """A package.json with pages to build, or with something to start."""
    if not files.has("package.json"):
        return None
    package = files.mapping("package.json")
    scripts = {name: text for name, text in table(package, "scripts").items() if isinstance(text, str)}
    depended = frozenset({**table(package, "dependencies"), **table(package, "devDependencies")})
    draft, manager = Draft(), manager_of(files, package)
    pages = pages_of(draft, files, scripts, depended)
    if pages:
        return static_pages(draft, files, package, manager, scripts, pages)
    framework, command, port = start(draft, files, manager, scripts, depended)
    if not command:
        said = (
            "is no JSON map"
            if not package
            else "has no script start, no server.js or the like, and nothing known to build pages"
        )
        return Missed(Reason("package.json", f"is there, but {said}"))
    base(draft, files, package, manager)
    manager.install(draft, files, scripts)
    build(draft, manager, scripts)
    draft.add("ENV NODE_ENV=production", *listening(port), command)
    return draft.plan("Node.js", framework, port)


def pages_of(
    draft: Draft, files: Files, scripts: dict[str, str], depended: frozenset[str]
) -> tuple[str, str, bool] | None:
    """(name, folder, whether it routes in the browser) of what builds pages only; None if something must run."""
    starts = scripts.get("start", "").strip()
    if files.web_process or "build" not in scripts or (starts and not DEVELOPMENT.match(starts)):
        return None
    if "next" in depended:
        return exported(draft, files)
    if "@sveltejs/adapter-static" in depended:
        draft.because("package.json", "depends on @sveltejs/adapter-static, whose build leaves pages")
        return "SvelteKit", "build", True
    if files.has("svelte.config.js") or any(name in depended for name, _, _ in SERVERS):
        return None
    return built_pages(draft, files, depended)


def exported(draft: Draft, files: Files) -> tuple[str, str, bool] | None:
    """Next.js, where its configuration has it leave pages."""
    config = files.first("next.config.js", "next.config.mjs", "next.config.ts")
    if not files.said(config, r"(output:\s*[\"']export[\"'])"):
        return None
    draft.because(config, "has Next.js export pages")
    return "Next.js", "out", False


def built_pages(draft: Draft, files: Files, depended: frozenset[str]) -> tuple[str, str, bool] | None:
    """The first of BUILDERS that is depended on."""
    for name, title, folder, routes in BUILDERS:
        if name in depended:
            config = (
                files.first("vite.config.ts", "vite.config.js", "vite.config.mjs") if name == "vite" else ""
            )
            chosen = files.said(config, FOLDER)
            draft.because(
                "package.json", f"depends on {name}, whose build leaves pages in {chosen or folder}/"
            )
            draft.because(config if chosen else "", "names that folder")
            return title, chosen or folder, routes
    return None


def static_pages(
    draft: Draft,
    files: Files,
    package: dict[str, Any],
    manager: Manager,
    scripts: dict[str, str],
    pages: tuple[str, str, bool],
) -> Plan:
    """A stage that builds, and one that serves."""
    title, folder, routes = pages
    base(draft, files, package, manager, stage=" AS build")
    manager.install(draft, files, scripts)
    build(draft, manager, scripts)
    draft.gap()
    served(draft, f"COPY --from=build /app/{folder} {PLACE}", fallback=routes)
    return draft.plan("Node.js", title, PORT)


def base(draft: Draft, files: Files, package: dict[str, Any], manager: Manager, stage: str = "") -> None:
    """Add the image and its user, who is there already."""
    image, user = manager.image(node_version(draft, files, package))
    draft.add(
        f"FROM {image}{stage}",
        "WORKDIR /app",
        *manager.prepare(user),
        f"RUN chown {user}:{user} /app",
        f"USER {user}",
    )


def node_version(draft: Draft, files: Files, package: dict[str, Any]) -> str:
    """As .nvmrc, .node-version, .tool-versions or package.json say it."""
    said, file = tool(files, "node", ".nvmrc", ".node-version")
    if not said:
        said, file = tool(files, "nodejs")
    if not said and (name := files.said(".nvmrc", r"^[ \t]*lts/(\w+)[ \t\r]*$").lower()) in LTS:
        said, file = LTS[name], ".nvmrc"
    if said:
        draft.because(file, f"asks for Node.js {said}")
        return said
    allowed = word(package, "engines", "node")
    chosen = within(allowed, NODES) if allowed else ""
    draft.because("package.json" if chosen else "", f"asks for Node.js {allowed}")
    return chosen or NODES[0]


def build(draft: Draft, manager: Manager, scripts: dict[str, str]) -> None:
    """Add the script `build`, if there is one."""
    if "build" in scripts:
        draft.because("package.json", f"has a script build: {scripts['build']}")
        draft.add(f"RUN {manager.name} run build")


def start(
    draft: Draft, files: Files, manager: Manager, scripts: dict[str, str], depended: frozenset[str]
) -> tuple[str, str, int | None]:
    """(framework, CMD line, port where it is certain); nothing if nothing can be started."""
    known = next(((title, how) for name, title, how in SERVERS if name in depended), ("", ""))
    framework = known[0] or next((name for name in LIBRARIES if name in depended), "")
    if own := draft.web_process(files):
        return framework, own, None
    if "start" in scripts:
        draft.because("package.json", f"has a script start: {scripts['start']}")
        return framework, program(manager.name, "run", "start"), None
    if known[1] and "build" in scripts:
        draft.because("package.json", f"depends on {known[0]}, and has no script start")
        return (
            framework,
            shell(f"PATH=/app/node_modules/.bin:$PATH exec {known[1]}" if "=" not in known[1] else known[1]),
            None,
        )
    file = files.first(*SCRIPTS)
    if file and framework:
        draft.because(file, f"is run, for package.json depends on {framework}")
        return framework, program("node", file), None
    return "", "", None
