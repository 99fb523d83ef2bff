"""Ruby: Rails, Rack, Sinatra, or what a Procfile starts."""

from seatrial.detection.files import Files
from seatrial.detection.plan import APP_USER, COPY_ALL, PORT, Draft, Missed, Plan, Reason, listening, shell
from seatrial.detection.versions import EXACT, RUBY, tool

# Without a secret, Rails does not start in production.
MADE_AT_START = (
    "export SECRET_KEY_BASE=\"${SECRET_KEY_BASE:-$(head -c 64 /dev/urandom | od -An -tx1 | tr -d ' \\n')}\""
)
PACKAGES = "build-essential git libffi-dev libpq-dev libyaml-dev pkg-config"


def detect(files: Files) -> Plan | Missed | None:
    """A Gemfile, with something to start."""
    if not files.has("Gemfile"):
        return None
    draft = Draft()
    framework, command, port = start(draft, files)
    if not command:
        return Missed(
            Reason(
                "Gemfile",
                "is there, but neither bin/rails, config.ru, app.rb with Sinatra nor a Procfile with web:",
            )
        )
    draft.add(f"FROM ruby:{ruby_version(draft, files)}-slim", "WORKDIR /app", APP_USER)
    draft.add(
        f"RUN apt-get update && apt-get install -y --no-install-recommends {PACKAGES} && rm -rf /var/lib/apt/lists/*"
    )
    gems(draft, files)
    draft.add(COPY_ALL, "USER app")
    if framework == "Rails":
        draft.add("ENV RAILS_ENV=production RAILS_LOG_TO_STDOUT=1 RAILS_SERVE_STATIC_FILES=1")
        if files.below("app/assets"):
            draft.because("app/assets", "is compiled at the build")
            draft.add("RUN SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE=build bin/rails assets:precompile")
    else:
        draft.add("ENV RACK_ENV=production APP_ENV=production")
    draft.add(*listening(port), command)
    return draft.plan("Ruby", framework, port)


def ruby_version(draft: Draft, files: Files) -> str:
    """As .ruby-version, .tool-versions, Gemfile or its lock file say it."""
    said, file = tool(files, "ruby", ".ruby-version")
    if not said:
        written = (
            ("Gemfile", rf"^[ \t]*ruby[ \t]+[\"'](?:~>\s*)?({EXACT})[\"']"),
            ("Gemfile.lock", rf"^[ \t]+ruby ({EXACT})(?:p\d+)?[ \t\r]*$"),
        )
        said, file = next(
            ((found, name) for name, how in written if (found := files.said(name, how))), ("", "")
        )
    draft.because(file, f"asks for Ruby {said}")
    return said or RUBY


def gems(draft: Draft, files: Files) -> None:
    """Add the lines that install gems."""
    lock = " Gemfile.lock" if files.has("Gemfile.lock") else ""
    draft.because("Gemfile.lock" if lock else "", "names the versions that are installed")
    local = bool(files.said("Gemfile", r"^[ \t]*(gemspec|gem .*path:)"))
    version = "".join(f" {name}" for name in (".ruby-version", ".tool-versions") if files.has(name))
    draft.add(
        "COPY . ." if local else f"COPY Gemfile{lock}{version} ./",
        "ENV BUNDLE_WITHOUT=development:test",
        "RUN bundle install",
    )


def start(draft: Draft, files: Files) -> tuple[str, str, int | None]:
    """(framework, CMD line, the port that it listens on); nothing where nothing can be started."""
    gemfile = files.text("Gemfile") + files.text("Gemfile.lock")
    if files.has("bin/rails"):
        draft.because(
            "bin/rails",
            "Rails: its database is prepared at each start, with a new secret unless SECRET_KEY_BASE is set",
        )
        own = draft.web_process(files)
        rails = f"{MADE_AT_START}; bin/rails db:prepare && exec bin/rails server -b 0.0.0.0 -p $PORT"
        return "Rails", own or shell(rails), None if own else PORT
    framework = "Sinatra" if "sinatra" in gemfile else "Rack"
    if own := draft.web_process(files):
        return framework if "sinatra" in gemfile or files.has("config.ru") else "", own, None
    if files.has("config.ru"):
        puma = "puma" in gemfile
        draft.because("config.ru", f"is served by {'puma' if puma else 'rackup'}")
        server = "puma -b tcp://0.0.0.0:$PORT" if puma else "rackup --host 0.0.0.0 --port $PORT"
        return framework, shell(f"exec bundle exec {server}"), PORT
    if framework == "Sinatra" and files.has("app.rb"):
        draft.because("app.rb", "is started, for the Gemfile names sinatra")
        return framework, shell("exec bundle exec ruby app.rb -o 0.0.0.0 -p $PORT"), PORT
    return "", "", None
