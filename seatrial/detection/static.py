"""Files for browsers, served by nginx."""

from seatrial.detection.files import Files
from seatrial.detection.plan import PORT, Draft, Plan

FOLDERS = ("", "public", "dist", "site", "www")
PLACE = "/usr/share/nginx/html"
# The image's own entrypoint replaces ${PORT}, and leaves nginx's $uri as it is.
SERVER = "server {{ listen ${{PORT}}; root {place}; location ~ /[.](?!well-known) {{ return 404; }} location / {{ try_files {tries}; }} }}"


def detect(files: Files) -> Plan | None:
    """An index.html at the top, or in the folder where builds leave it."""
    folder = next((one for one in FOLDERS if files.has(f"{one}/index.html".lstrip("/"))), None)
    if folder is None:
        return None
    draft = Draft()
    draft.because(f"{folder}/index.html".lstrip("/"), "a page; nothing here says that a program makes it")
    served(draft, f"COPY {folder or '.'} {PLACE}", fallback=False)
    return draft.plan("static files", port=PORT)


def served(draft: Draft, copy: str, *, fallback: bool) -> None:
    """Add the stage that serves what `copy` copies. `fallback`: the application in the browser knows all paths."""
    tries = "$uri $uri/ /index.html" if fallback else "$uri $uri.html $uri/ =404"
    draft.add(
        "FROM nginx:stable",
        copy,
        "RUN mkdir -p /etc/nginx/templates /var/cache/nginx /var/lib/nginx \\",
        f" && echo '{SERVER.format(place=PLACE, tries=tries)}' > /etc/nginx/templates/default.conf.template \\",
        " && chown -R nginx /etc/nginx/conf.d /var/cache/nginx /var/lib/nginx /run",
        "USER nginx",
        f"ENV PORT={PORT}",
        f"EXPOSE {PORT}",
    )
