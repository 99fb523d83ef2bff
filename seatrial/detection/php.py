"""PHP: Apache as the official image has it, on a port that needs no rights."""

from seatrial.detection.files import Files, table, word
from seatrial.detection.plan import PORT, Draft, Plan, shell
from seatrial.detection.versions import PHPS, tool, within

# Extensions that the image can build without packages of Debian.
BUILDABLE = frozenset(
    {
        "bcmath",
        "calendar",
        "exif",
        "gettext",
        "mysqli",
        "pcntl",
        "pdo_mysql",
        "shmop",
        "sockets",
        "sysvmsg",
        "sysvsem",
        "sysvshm",
    }
)
INCLUDED = frozenset({
    "ctype", "curl", "date", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml", "mbstring", "openssl", "pcre", "pdo",
    "pdo_sqlite", "phar", "posix", "random", "readline", "reflection", "session", "simplexml", "sodium", "spl", "sqlite3", "tokenizer",
    "xml", "xmlreader", "xmlwriter", "zlib",
})  # fmt: skip
PUBLIC = ("public", "web", "www", "")
LISTEN = "sed -ri 's/^Listen 80$/Listen ${PORT}/' /etc/apache2/ports.conf"
SITE = "sed -ri 's!:80>!:${{PORT}}>!{root}' /etc/apache2/sites-available/000-default.conf"
# Without a key, Laravel answers 500 to everything.
KEY = 'export APP_KEY="${APP_KEY:-base64:$(head -c 32 /dev/urandom | base64)}"; exec apache2-foreground'


def detect(files: Files) -> Plan | None:
    """A composer.json with a page to begin with, or index.php alone."""
    folder = next((one for one in PUBLIC if files.has(f"{one}/index.php".lstrip("/"))), None)
    if folder is None:
        return None
    draft = Draft()
    composer = files.mapping("composer.json")
    required = table(composer, "require")
    framework = (
        "Laravel"
        if "laravel/framework" in required
        else "Symfony"
        if "symfony/framework-bundle" in required
        else ""
    )
    draft.because(f"{folder}/index.php".lstrip("/"), "the page that answers")
    draft.because("composer.json" if framework else "", f"requires {framework}")
    version = php_version(draft, files, word(required, "php"))
    if composer:
        vendor(draft, files)
    if framework == "Laravel" and files.has("package.json"):
        draft.because("package.json", "is not built; add a stage for it if pages lack their styles")
    image(
        draft,
        files,
        version,
        {name.removeprefix("ext-") for name in required if name.startswith("ext-")},
        framework,
    )
    site(draft, folder, bool(composer), framework)
    return draft.plan("PHP", framework, PORT)


def php_version(draft: Draft, files: Files, allowed: str) -> str:
    """As .tool-versions or composer.json say it."""
    said, file = tool(files, "php")
    if not said and (said := within(allowed, PHPS)):
        file = "composer.json"
    draft.because(file, f"asks for PHP {allowed if file == 'composer.json' else said}")
    return said or PHPS[0]


def vendor(draft: Draft, files: Files) -> None:
    """Add the stage in which Composer installs."""
    lock = " composer.lock" if files.has("composer.lock") else ""
    draft.because("composer.lock" if lock else "", "names the versions that are installed")
    draft.add(
        "FROM composer:2 AS vendor",
        "WORKDIR /app",
        f"COPY composer.json{lock} ./",
        "RUN composer install --no-dev --no-interaction --no-scripts --no-autoloader --ignore-platform-reqs",
        "COPY . .",
        "RUN composer dump-autoload --no-dev --no-scripts --optimize",
    )
    draft.gap()


def image(draft: Draft, files: Files, version: str, extensions: set[str], framework: str) -> None:
    """Add the beginning of the last stage, with the extensions."""
    wanted = extensions | ({"pdo_mysql"} if framework == "Laravel" else set())
    can = sorted(wanted & BUILDABLE)
    lacking = sorted(name for name in wanted - BUILDABLE - INCLUDED if name.replace("_", "").isalnum())
    draft.because(
        "composer.json" if lacking else "",
        f"requires extensions that are not installed: {', '.join(lacking)}",
    )
    draft.add(
        f"FROM php:{version}-apache",
        f"RUN docker-php-ext-install {' '.join(can)}" if can else "",
        f"ENV PORT={PORT}",
        f"EXPOSE {PORT}",
    )


def site(draft: Draft, folder: str, composed: bool, framework: str) -> None:
    """Add Apache's configuration, the files and the start."""
    place = "/var/www/app" if folder else "/var/www/html"
    root = f"; s!/var/www/html!{place}/{folder}!" if folder else ""
    draft.add(
        f"RUN {LISTEN} \\",
        f" && {SITE.format(root=root)} \\",
        " && a2enmod rewrite && chown -R www-data /var/run/apache2 /var/log/apache2",
        f"WORKDIR {place}",
        f"COPY --chown=www-data:www-data {'--from=vendor /app' if composed else '.'} .",
        "USER www-data",
    )
    if framework == "Laravel":
        draft.because("composer.json", "Laravel gets a new key at each start, unless APP_KEY is set")
        draft.add(shell(KEY))
