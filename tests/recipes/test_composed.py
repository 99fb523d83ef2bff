"""What Compose makes of a file is what runs: includes, overrides, profiles, tags, defaults, files for configs and secrets."""

import pytest

from seatrial.agent.environments.interpolation import interpolated
from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.recipes.recipe import Build, Recipe, Service
from seatrial.agent.vocabulary.containers import Copy, Text
from seatrial.agent.vocabulary.errors import RecipeError
from seatrial.agent.vocabulary.options import Tmpfs
from tests.recipes.files import Files

WEB = "services: {web: {image: x, ports: ['8000:8000'], environment: {NAME: base}}}"


async def recipe_of(text: str = WEB, variables: dict[str, str] | None = None, **files: str) -> Recipe:
    return await read_recipe(Files(**{"compose.yaml": text, "Dockerfile": "FROM x", **files}), variables)


async def web_of(text: str = WEB, variables: dict[str, str] | None = None, **files: str) -> Service:
    return (await recipe_of(text, variables, **files)).services["web"]


def values(service: Service) -> dict[str, str]:
    """As the container sees them."""
    return dict(interpolated(Recipe("", {"web": service}), {}).services["web"].environment)


async def refusal(text: str, **files: str) -> str:
    with pytest.raises(RecipeError) as failed:
        await recipe_of(text, **files)
    return str(failed.value)


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("${A:-${B:-${C:-deep}}}", "deep"),
        ("${J:-{}}", "{}"),
        ('${K:-{"a":1}}', '{"a":1}'),
        ("$$HOME ${COMPOSE_PROJECT_NAME}", "$HOME shop"),
    ],
)
async def test_defaults_may_hold_braces_and_each_other(written: str, seen: str) -> None:
    text = f"name: shop\nservices: {{web: {{image: x, environment: {{V: '{written}'}}}}}}"
    assert values(await web_of(text)) == {"V": seen}


async def test_a_file_of_variables_is_read_as_compose_reads_it() -> None:
    lines = (
        "A: colon value\nB='a #b' # note\nC=\"tab\\tb\"\nexport D=x\nE = spaced\nF='many\nlines'\nG=${D}$$\n"
    )
    web = await web_of("services: {web: {image: x, env_file: [./t.env]}}", **{"t.env": lines})
    assert values(web) == {
        "A": "colon value", "B": "a #b", "C": "tab\tb", "D": "x", "E": "spaced", "F": "many\nlines", "G": "x$",
    }  # fmt: skip


async def test_a_service_extends_one_of_its_own_file_or_of_another() -> None:
    recipe = await recipe_of(
        """
        services:
          base: {image: x, environment: {A: 1}}
          web: {extends: {service: base}, ports: ['80']}
          lines: {extends: {file: common/base.yml, service: other}}
        """,
        **{
            "common/base.yml": "services: {other: {build: ., environment: {B: 2}}}",
            "common/Dockerfile": "FROM y",
        },
    )
    assert list(recipe.services) == ["base", "web", "lines"], "in the file's order"
    assert recipe.services["web"].environment == {"A": "1"}
    assert recipe.services["lines"].build == Build("common"), "paths are relative to the file they stand in"


async def test_a_refusal_in_what_is_extended_names_that_file_and_line() -> None:
    said = await refusal(
        "services: {web: {extends: {file: base.yml, service: other}}}",
        **{"base.yml": "services:\n  other:\n    image: x\n    privileged: true\n"},
    )
    assert said.startswith("base.yml:4: services.web.privileged: refused")


async def test_a_refusal_in_what_a_service_says_itself_names_its_own_line() -> None:
    said = await refusal(
        "services:\n  web:\n    extends: other\n    cap_add: [ALL]\n  other:\n    image: x\n    cap_add: [ALL]\n"
    )
    assert "compose.yaml:4: services.web.cap_add" in said


async def test_files_of_the_commit_are_included() -> None:
    recipe = await recipe_of(
        f"include: [infra/compose.yaml]\n{WEB}",
        **{
            "infra/compose.yaml": "services:\n  cache:\n    image: redis:7\n    volumes: ['./conf:/conf']\n",
            "infra/conf/a": "",
        },
    )
    assert list(recipe.services) == ["web", "cache"]
    assert recipe.services["cache"].copies == (Copy("infra/conf", "/conf"),)


async def test_the_override_beside_it_is_merged() -> None:
    override = "services: {web: {environment: {NAME: merged}}}"
    assert values(await web_of(**{"compose.override.yaml": override})) == {"NAME": "merged"}


@pytest.mark.parametrize("told", ["dotenv", "variable"])
async def test_compose_file_says_which_files_are_read(told: str) -> None:
    said = "docker/base.yml:deploy/preview.yml"
    files = Files(
        **{
            "docker/base.yml": "services: {web: {build: .., ports: ['80'], environment: {NAME: base}}}",
            "deploy/preview.yml": "services: {web: {environment: {NAME: overlay}}}",
            "Dockerfile": "FROM x",
            **({".env": f"COMPOSE_FILE={said}\n"} if told == "dotenv" else {}),
        }
    )
    web = (await read_recipe(files, {"COMPOSE_FILE": said} if told == "variable" else {})).services["web"]
    assert (values(web), web.build) == ({"NAME": "overlay"}, Build("."))


PROFILES = "services: {web: {image: x, profiles: [app]}, tools: {image: x, profiles: [debug]}}"


@pytest.mark.parametrize("told", ["dotenv", "variable"])
async def test_compose_profiles_turns_profiles_on(told: str) -> None:
    files = {".env": "COMPOSE_PROFILES=app\n"} if told == "dotenv" else {}
    recipe = await recipe_of(PROFILES, {"COMPOSE_PROFILES": "app"} if told == "variable" else {}, **files)
    assert list(recipe.services) == ["web"]
    assert any("services.tools: left out: its profile is off" in warning for warning in recipe.warnings)
    assert "every service belongs to a profile" in await refusal(PROFILES)


async def test_tags_reset_and_replace() -> None:
    web = await web_of(
        "services: {web: {image: x, command: run, environment: {A: a}}}",
        **{"compose.override.yml": "services: {web: {command: !reset null, environment: !override {B: b}}}"},
    )
    assert (web.command, values(web)) == (None, {"B": "b"})


async def test_configs_and_secrets_are_files_in_the_container() -> None:
    text = """
    services:
      web:
        image: x
        configs: [{source: cfg, target: /etc/app.ini}, plain]
        secrets: [db-password, {source: token, target: /run/token}]
    configs:
      cfg: {content: "name=${NAME:-x} $$1"}
      plain: {file: conf/plain.conf}
    secrets:
      db-password: {file: db/password.txt}
      token: {environment: TOKEN}
    """
    web = await web_of(text, {"TOKEN": "s3cret$"}, **{"db/password.txt": "p", "conf/plain.conf": ""})
    assert web.copies == (
        Copy("conf/plain.conf", "/plain"),
        Copy("db/password.txt", "/run/secrets/db-password"),
    )
    assert web.texts == (Text("/etc/app.ini", "name=x $1"), Text("/run/token", "s3cret$"))
    assert "s3cret" not in repr(web)


async def test_a_secret_may_be_a_variable_of_the_commits_env_file_and_is_warned_of_when_it_is_none() -> None:
    text = "services: {web: {image: x, secrets: [t, u]}}\nsecrets: {t: {environment: T}, u: {environment: U}}"
    recipe = await recipe_of(text, **{".env": "T=1\n"})
    assert recipe.services["web"].texts == (Text("/run/secrets/t", "1"), Text("/run/secrets/u", ""))
    assert recipe.warnings == (
        "compose.yaml:2: secrets.u.environment: U has no value, so the file is empty; set it in the project's variables",
    )


async def test_a_secret_that_is_not_committed_is_empty_and_warned_of() -> None:
    text = "services: {web: {image: x, secrets: [t]}}\nsecrets: {t: {file: ./t.txt}}"
    recipe = await recipe_of(text)
    assert recipe.services["web"].texts == (Text("/run/secrets/t", ""),)
    assert recipe.warnings == (
        "compose.yaml:2: secrets.t.file: t.txt is not in the commit, so /run/secrets/t is empty; environment: NAME takes it from "
        "a project variable",
    )


@pytest.mark.parametrize("key", ["configs", "secrets"])
async def test_a_config_or_secret_of_the_host_is_refused(key: str) -> None:
    said = await refusal(f"services: {{web: {{image: x, {key}: [c]}}}}\n{key}:\n  c: {{file: /etc/shadow}}\n")
    assert said == (
        f"compose.yaml:3: {key}.c.file: refused: /etc/shadow is a path of the host. Name a file of this repository."
    )


async def test_a_dockerfile_may_stand_in_the_file() -> None:
    web = await web_of('services: {web: {build: {dockerfile_inline: "FROM y\\nEXPOSE 80\\n"}}}')
    assert (web.build, web.kind) == (Build(dockerfile_inline="FROM y\nEXPOSE 80\n"), "web")


async def test_a_port_of_the_host_is_noted_and_no_warning() -> None:
    recipe = await recipe_of(
        "services:\n  web:\n    image: x\n    ports: ['8080:80']\n    links: [web2]\n  web2: {image: y}\n"
    )
    assert recipe.warnings == ()
    assert recipe.notes == (
        "compose.yaml:4: services.web.ports: the host's side is ignored: previews answer at their own host name",
    )


async def test_a_service_without_replicas_is_left_out_and_not_waited_for() -> None:
    recipe = await recipe_of(
        """
        services:
          web: {image: x, depends_on: [heavy]}
          heavy: {image: x, deploy: {replicas: 0}}
          twice: {image: x, ports: ['80'], deploy: {replicas: 2, restart_policy: {condition: none}}}
        """
    )
    assert list(recipe.services) == ["web", "twice"]
    assert recipe.services["web"].depends_on == ()
    assert recipe.services["twice"].restart == "never"
    assert [w.partition(": ")[2] for w in recipe.warnings] == [
        "services.heavy: left out: it has no replicas",
        "services.twice.deploy.replicas: ignored: one container runs per service",
    ]


@pytest.mark.parametrize("name", ["shop.test", "webApp", "my_app-2", "UPPER"])
async def test_a_services_name_may_be_any_that_compose_takes(name: str) -> None:
    recipe = await recipe_of(f"services: {{{name}: {{image: x, ports: ['80']}}}}")
    assert list(recipe.services) == [name]


async def test_a_container_gets_what_harms_nobody() -> None:
    recipe = await recipe_of(
        """
        services:
          web:
            image: x
            stdin_open: true
            tty: true
            hostname: broker
            init: true
            read_only: true
            tmpfs: ['/scratch:size=16m,uid=1000,exec']
            volumes: [{type: tmpfs, target: /scratch2, tmpfs: {size: 2000000, mode: 0o1700}}, 'mem:/mem']
            sysctls: {net.core.somaxconn: 1024}
            ulimits: {nofile: {soft: 1024, hard: 2048}, nice: 5}
            cap_drop: [ALL]
            cap_add: [NET_BIND_SERVICE, CAP_CHOWN]
            shm_size: 64m
            stop_grace_period: 1m30s
            stop_signal: SIGINT
            group_add: ['1500']
            extra_hosts: ['host.docker.internal:host-gateway']
          side:
            image: x
            network_mode: service:web
        volumes:
          mem: {driver: local, driver_opts: {type: tmpfs, device: tmpfs, o: 'size=8m,uid=5'}}
        """
    )
    options = recipe.services["web"].options
    assert (options.stdin_open, options.tty, options.hostname, options.init, options.read_only) == (
        True, True, "broker", True, True,
    )  # fmt: skip
    assert set(options.tmpfs) == {
        Tmpfs("/scratch", 16, uid=1000, executable=True), Tmpfs("/scratch2", 1, mode=0o1700), Tmpfs("/mem", 8, uid=5),
    }  # fmt: skip
    assert (options.sysctls, options.ulimits) == ({"net.core.somaxconn": "1024"}, {"nofile": (1024, 2048)})
    assert (
        not {"NET_BIND_SERVICE", "CHOWN"} & options.without_capabilities
        and "KILL" in options.without_capabilities
    )
    assert (options.shm_size_mb, options.stop_seconds, options.stop_signal) == (64, 30.0, "SIGINT")
    assert recipe.services["side"].network_of == "web"
    told = "\n".join(recipe.warnings)
    assert all(f"services.web.{key}: ignored" in told for key in ("ulimits.nice", "group_add"))
    assert "services.web.extra_hosts: host.docker.internal is left out: no preview reaches the host" in told


async def test_a_file_system_in_memory_may_be_small() -> None:
    recipe = await read_recipe(
        Files(
            **{
                "compose.yaml": """
                services:
                  web:
                    image: x
                    shm_size: 1m
                    tmpfs: /run:size=64k
                    volumes: ['cache:/cache']
                volumes: {cache: {driver_opts: {type: tmpfs, device: tmpfs, o: 'size=2m'}}}
                """
            }
        )
    )
    options = recipe.services["web"].options
    assert options.shm_size_mb == 1
    assert {(one.path, one.size_mb) for one in options.tmpfs} == {("/run", 1), ("/cache", 2)}


async def test_what_reaches_the_kernel_or_the_host_is_refused_all_at_once() -> None:
    said = await refusal(
        """
        services:
          web:
            image: x
            sysctls: {kernel.panic: 1, net.core.somaxconn: 1}
            cap_add: [NET_ADMIN]
          db:
            image: y
            volumes: ['/etc:/e', '/srv:/s', 'no:/n']
        """
    )
    assert [line.partition(". ")[0] for line in said.splitlines()] == [
        "compose.yaml:4: services.web.sysctls: refused: kernel.panic would change the host's kernel, not the container's",
        "compose.yaml:5: services.web.cap_add: refused: no container here has NET_ADMIN: it would give the container rights "
        "over the host",
        "compose.yaml:8: services.db.volumes.0: refused: /etc is a path of the host",
        "compose.yaml:8: services.db.volumes.1: refused: /srv is a path of the host",
        "compose.yaml:8: services.db.volumes.2: there is no volume no",
    ]


async def test_a_mistake_is_told_whatever_it_quotes_beside_what_compose_cannot_read() -> None:
    said = await refusal(
        """
        services:
          a: {image: x, x-galley-kind: says neither build nor image}
          b: {image: x, cap_add: 5}
          c: {command: y}
        """
    )
    told = [line.partition(". ")[0] for line in said.splitlines()]
    assert told == [
        "compose.yaml:3: services.b.cap_add: expected a list, found 5",
        "compose.yaml:2: services.a: 'says neither build nor image' is not a kind",
    ]


@pytest.mark.parametrize(
    "limits",
    [
        "mem_limit: '0', cpus: '0'",
        "mem_limit: 0, cpus: 0",
        "deploy: {resources: {limits: {cpus: '${C:-0}', memory: '${M:-0}'}}}",
    ],
)
async def test_a_limit_of_0_is_the_agents(limits: str) -> None:
    assert (await web_of(f"services: {{web: {{image: x, {limits}}}}}")).resources is None


async def test_typos_are_reported_before_variables_and_all_at_once() -> None:
    text = "ervices: {web: {image: x}}\nservices:\n  web:\n    image: ${A:?say it}\n    prots: [80]\n    enviroment: {A: 1}\n"
    assert (await refusal(text)).splitlines() == [
        "compose.yaml:1: ervices: unknown key. Did you mean services?",
        "compose.yaml:5: services.web.prots: unknown key. Did you mean ports?",
        "compose.yaml:6: services.web.enviroment: unknown key. Did you mean environment?",
        "compose.yaml:4: services.web.image: A is required: say it. Set A in the project's variables or in .env.",
    ]


async def test_a_typo_hides_no_refusal() -> None:
    text = """
    services:
      web:
        image: x
        prots: [80]
        privileged: true
        healthcheck: {test: 5}
      db:
        image: y
        pid: host
    """
    assert [line.partition(". ")[0] for line in (await refusal(text)).splitlines()] == [
        "compose.yaml:4: services.web.prots: unknown key",
        "compose.yaml:6: services.web.healthcheck.test: expected a list or text, found 5",
        "compose.yaml:5: services.web.privileged: refused: it would give the container the whole host",
        "compose.yaml:9: services.db.pid: refused: host would give the container the host's processes",
    ]


async def test_a_file_whose_name_is_made_of_variables_is_found() -> None:
    text = (
        "services: {web: {image: x, env_file: ['${A}${B}', {path: 'conf/${STAGE}.list', required: false}]}}"
    )
    variables = {"A": "odd", "B": "name", "STAGE": "preview"}
    web = await web_of(text, variables, oddname="X=1\n", **{"conf/preview.list": "Y=2\n"})
    assert values(web) == {"X": "1", "Y": "2"}


async def test_names_of_the_platform_have_values_only_for_services_that_are_visited() -> None:
    web = await web_of(
        """
        services:
          web:
            image: x
            ports: ['80']
            environment:
              A: ${GALLEY_PREVIEW_HOSTNAME_web:-localhost}
              B: ${GALLEY_PREVIEW_URL_db:-none}
              C: ${GALLEY_PREVIEW_URL_other_app}
          db: {image: postgres}
          other.app: {image: y, ports: ['81']}
        """
    )
    assert web.environment == {
        "A": "${GALLEY_PREVIEW_HOSTNAME_web}",
        "B": "none",
        "C": "${GALLEY_PREVIEW_URL_other_app}",
    }


async def test_a_file_that_compose_does_not_get_is_named_with_the_reason() -> None:
    text = "services: {web: {image: x, env_file: [a.env]}}"
    assert await refusal(text, **{"a.env": "-> /etc/passwd"}) == (
        "compose.yaml:1: a.env is a symbolic link, which is not followed. Commit the file itself."
    )
    assert "a.env is not a file of at most 256 KB" in await refusal(text, **{"a.env": "A=1\n" * 100_000})


async def test_a_variable_that_no_environment_can_hold_stops_nothing() -> None:
    variables = {"A=B": "1", "": "x", "NUL": "a\0b", "HALF": "\ud800", "GOOD": "é"}
    web = await web_of("services: {web: {image: x, environment: ['V=${GOOD}']}}", variables)
    assert values(web) == {"V": "é"}
