"""What starts an application in Python, and on which port."""

from collections.abc import Set
from typing import NamedTuple

from seatrial.detection.files import Files
from seatrial.detection.plan import PORT, Draft, program, shell

APPLICATION = r"^(\w{1,80})\s*(?::[^=\n]{1,80})?=\s*(?:\w+\.)?%s\("
FACTORY = r"^def\s+(create_app|make_app)\s*\("
SETTINGS = r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([A-Za-z_]\w{0,79})\."
SERVED = {
    "fastapi": "FastAPI",
    "starlette": "Starlette",
    "litestar": "Litestar",
    "quart": "Quart",
    "flask": "Flask",
}
FRAMEWORKS = {"streamlit": "Streamlit", "gradio": "Gradio", "aiohttp": "aiohttp", "tornado": "Tornado", "bottle": "Bottle",
              "sanic": "Sanic", "dash": "Dash", "cherrypy": "CherryPy", "nicegui": "NiceGUI"}  # fmt: skip
SCRIPTS = ("main.py", "app.py", "server.py", "run.py", "application.py")


class Start(NamedTuple):
    """How to start: the CMD line. Without one, `missing` says what was looked for."""

    framework: str = ""
    command: str = ""
    port: int | None = None
    missing: str = "names no web framework that is known here, and there is no Procfile with web:"


def start(draft: Draft, files: Files, names: Set[str]) -> Start:
    """What a Procfile says, else what suits the framework."""
    framework = next(
        (
            title
            for name, title in (("django", "Django"), *SERVED.items(), *FRAMEWORKS.items())
            if name in names
        ),
        "",
    )
    if own := draft.web_process(files):
        return Start(framework, own)
    if files.has("manage.py") and ("django" in names or "DJANGO_SETTINGS_MODULE" in files.text("manage.py")):
        return django(draft, files, names)
    for name, title in SERVED.items():
        if name in names:
            return served(draft, files, names, title)
    for name, title in FRAMEWORKS.items():
        if name in names:
            return script(draft, files, title)
    return Start()


def django(draft: Draft, files: Files, names: Set[str]) -> Start:
    """gunicorn where it is required, else Django's own server."""
    draft.because("manage.py", "Django: its database is migrated at each start")
    package = files.said("manage.py", SETTINGS)
    server = "python manage.py runserver 0.0.0.0:$PORT"
    if package and "gunicorn" in names and files.has(f"{package}/wsgi.py"):
        draft.because(f"{package}/wsgi.py", "is served by gunicorn, which is required")
        server = f"gunicorn --bind 0.0.0.0:$PORT {package}.wsgi"
    elif package and "uvicorn" in names and files.has(f"{package}/asgi.py"):
        draft.because(f"{package}/asgi.py", "is served by uvicorn, which is required")
        server = f"uvicorn --host 0.0.0.0 --port $PORT {package}.asgi:application"
    return Start("Django", shell(f"python manage.py migrate --noinput && exec {server}"), PORT)


def served(draft: Draft, files: Files, names: Set[str], title: str) -> Start:
    """A server that is required, with the application that a file makes."""
    where, target = application(files, title)
    if not where:
        return Start(
            missing=f"names {title}, and no file main.py, app.py, wsgi.py or asgi.py (also in src/, app/) makes a {title}()"
        )
    factory = target.endswith("()")
    module, variable = target.removesuffix("()").split(":")
    asynchronous = title != "Flask"
    if "uvicorn" in names or names & {"fastapi[standard]", "fastapi[all]"}:
        how = " --interface wsgi" if not asynchronous else ""
        server, command = (
            "uvicorn",
            f"uvicorn --host 0.0.0.0 --port $PORT{how}{' --factory' if factory else ''} {module}:{variable}",
        )
    elif "hypercorn" in names and not factory:
        server, command = "hypercorn", f"hypercorn --bind 0.0.0.0:$PORT {module}:{variable}"
    elif "gunicorn" in names and not asynchronous:
        server, command = "gunicorn", f"gunicorn --bind 0.0.0.0:$PORT '{target}'"
    elif not asynchronous:
        server, command = "Flask's own server", f"flask --app '{target}' run --host 0.0.0.0 --port $PORT"
    else:
        return Start(missing=f"names {title}, but no server: add uvicorn")
    draft.because(where, f"makes {target}, a {title} application, served by {server}")
    return Start(title, shell(f"exec {command}"), PORT)


def application(files: Files, title: str) -> tuple[str, str]:
    """(file, `module:variable` or `module:function()`) of the first file that makes one; else nothing twice."""
    for path in sorted(
        (one for one in files.texts if one.endswith(".py")), key=lambda path: (path.count("/"), path)
    ):
        module = path.removesuffix(".py").replace("/", ".")
        if variable := files.said(path, APPLICATION % title):
            return path, f"{module}:{variable}"
        if title in files.text(path) and (factory := files.said(path, FACTORY)):
            return path, f"{module}:{factory}()"
    return "", ""


def script(draft: Draft, files: Files, title: str) -> Start:
    """A file that is run. On which port it listens, it decides itself; Streamlit is told."""
    file = files.first(*SCRIPTS)
    if not file:
        return Start(missing=f"names {title}, and there is no {', '.join(SCRIPTS)}")
    draft.because(file, f"is run, for {title} is required")
    if title == "Streamlit":
        return Start(
            title, shell(f"exec streamlit run {file} --server.address 0.0.0.0 --server.port $PORT"), PORT
        )
    return Start(title, program("python", file))
