"""Every way a recipe can be wrong: the message names file, line and key, and the fix."""

import pytest

from seatrial.agent.recipes.reader import read_recipe
from seatrial.agent.vocabulary.errors import NoRecipe, RecipeError
from tests.recipes.files import Files

GALLEY = [
    ("version: 1\nservices:\n  web:\n    image: x\n    seeds: ./load\n", "galley.yml:5: services.web.seeds: unknown key. Did you mean seed?"),
    ("version: 1\nservices:\n  web:\n    image: x\n    seed: {run: x}\n", "galley.yml:5: services.web.seed: expected a list (- item), found {'run': 'x'}"),
    ("version: 1\nservices:\n  web:\n    image: x\n    migrate: ''\n", "galley.yml:5: services.web.migrate: expected at least one entry"),
    ("services:\n  web:\n    build: .\n", "galley.yml:1: version is missing. Add version: 1 as the first line."),
    ("version: 2\nservices: {web: {build: .}}\n", "galley.yml:1: version: 2 is not a version"),
    ("version: 1\n", "galley.yml:1: services is missing. Add services:."),
    ("version: 1\nservices: {}\n", "galley.yml:2: services: expected at least one entry"),
    ("version: 1\nservices:\n  web:\n\tbuild: .\n", "galley.yml:4:1: a tab indents this line. Indent with spaces."),
    ("version: 1\nservices:\n  web: {build: .\n", "galley.yml:4:1: not valid YAML"),
    ("version: 1\nservices:\n  web:\n    build: .\n   image: x\n", "galley.yml:5:"),
    ("version: 1\nservices:\n  web:\n    biuld: .\n", "galley.yml:4: services.web.biuld: unknown key. Did you mean build?"),
    ("version: 1\nservices:\n  web:\n    build: .\n    command: x\n", "galley.yml:5: services.web.command: unknown key. Write build: {start: ...}."),
    ("version: 1\nservices:\n  web:\n    xyzzy: .\n", "Allowed here: build, depends_on, env,"),
    ("version: 1\nservices:\n  Web:\n    build: .\n", "galley.yml:3: services.Web: not a service name. Use a letter"),
    ("version: 1\nservices:\n  web:\n    kind: site\n    build: .\n", "services.web.kind: expected one of web, api, worker"),
    ("version: 1\nservices:\n  web:\n    kind: web\n", "galley.yml:3: services.web: says neither build nor image"),
    ("version: 1\nservices:\n  web:\n    build: ../other\n", "services.web.build.path: ../other is outside the repository"),
    ("version: 1\nservices:\n  web:\n    build: {path: /etc}\n", "/etc is outside the repository"),
    ("version: 1\nservices:\n  web:\n    build: {path: app}\n", "there is no file app/Dockerfile in this commit"),
    ("version: 1\nservices:\n  web:\n    kind: web\n    build: {path: app}\n", "galley.yml:5: services.web.build: there is no file"),
    ("version: 1\nservices:\n  web:\n    image: 'redis:'\n", "galley.yml:4: services.web.image: 'redis:' is not an image's name. Write it like python:3.12-slim."),
    ("version: 1\nservices:\n  web:\n    image: x\n    expose: http\n", "galley.yml:5: services.web.expose: expected a whole number"),
    ("version: 1\nservices:\n  web:\n    image: x\n    expose: 70000\n", "expected at most 65535, found 70000"),
    ("version: 1\nservices:\n  web:\n    image: x\n    depends_on: [dbb]\n  db:\n    image: y\n", "services.web.depends_on: there is no service dbb. Did you mean db."),
    ("version: 1\nservices:\n  a:\n    image: x\n    depends_on: [b]\n  b:\n    image: y\n    depends_on: [a]\n", "services.a.depends_on: a -> b -> a is a cycle"),
    ("version: 1\nservices:\n  a:\n    image: x\n    depends_on: b\n", "services.a.depends_on: expected a list (- item), found 'b'"),
    ("version: 1\nservices:\n  a:\n    image: x\n    health: {timeout: soon}\n", "'soon' is not a duration. Write it like 30s or 1m30s."),
    ("version: 1\nservices:\n  a:\n    image: x\n    health: {path: up}\n", "expected a path that starts with /"),
    ("version: 1\nservices:\n  a:\n    image: x\n    resources: {memory: lots}\n", "'lots' is not a size. Write it like 512m or 1g."),
    ("version: 1\nservices:\n  a:\n    image: x\n    resources: {memory: 1m}\n", "is less than the 6m a container needs"),
    ("version: 1\nservices:\n  a:\n    image: x\n    resources: {cpus: many}\n", "is not a number of CPUs"),
    ("version: 1\nservices:\n  a:\n    image: x\n    restart: sometimes\n", "'sometimes' is not a restart policy. Allowed: unless-stopped, on-failure, never."),
    ("version: 1\nservices:\n  a:\n    image: x\n    env: [A=1]\n", "services.a.env: expected a map (key: value)"),
    ("version: 1\nservices:\n  a:\n    image: x\n  a:\n    image: y\n", "galley.yml:5:3: found duplicate key \"a\""),
    ("- a\n- b\n", "galley.yml:1: expected keys and values at the top"),
    ("", "galley.yml:1: the file is empty"),
    ("version: 1\nservices:\n  a:\n    image: x\n    env: {A: !!python/object/apply:os.system [true]}\n", "galley.yml:5: services.a.env.A: expected text"),
    ("version: 1\na: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d]\n", "once aliases are expanded"),
    ("version: 1\nservices: +_\n", "galley.yml:1: not valid YAML: "),
    ("version: 1\nservices: \xff\n", "galley.yml:2: not UTF-8 text"),
]  # fmt: skip

COMPOSE = [
    ("services:\n  web:\n    image: x\n    volumes:\n      - data:/dev\nvolumes: {data: }\n", "compose.yaml:5: services.web.volumes.0: refused: /dev is in /dev, which belongs to the kernel. Choose another folder"),
    ("services:\n  web:\n    image: x\n    volumes: [/srv/..//proc/sys]\n", "services.web.volumes.0: refused: /proc/sys is in /proc"),
    ("services:\n  web:\n    image: x\n    volumes: ['./conf:/sys/x:ro']\n", "services.web.volumes.0: refused: /sys/x is in /sys"),
    ("services:\n  web:\n    image: x\n    volumes: [{type: tmpfs, target: /dev/shm}]\n", "refused: /dev/shm is in /dev, which belongs to the kernel. Write shm_size: with its size."),
    ("services:\n  web:\n    image: x\n    volumes: ['.:/']\n", "refused: / is the whole file system. Choose a folder below it"),
    ("services:\n  web:\n    image: x\n    volumes: [data:/y]\nvolumes: {data: {driver_opts: {type: none, o: bind, device: /etc}}}\n", "compose.yaml:5: volumes.data.driver_opts: refused: the device /etc is outside the preview"),
    ("service:\n  web: {}\n", "compose.yaml:1: service: unknown key. Did you mean services?"),
    ("services: {}\n", "no service is described"),
    ("services: {web: {image: x, scale: 0}}\n", "compose.yaml:1: services: no service has a replica. Give at least one service one: scale: 1."),
    ("services:\n  web:\n    image: 'a b'\n", "compose.yaml:3: services.web.image: 'a b' is not an image's name. Write it like python:3.12-slim."),
    ("services:\n  web:\n    image: x\n    network_mode: service:vnp\n  vpn: {image: x}\n", "compose.yaml:4: services.web.network_mode: there is no service vnp. Did you mean vpn."),
    ("services:\n  web:\n    image: x\n    volumes: [':/conf']\n", "compose.yaml:4: services.web.volumes.0: ':/conf' lacks a path. Write it like ./folder:/path"),
    ("services:\n  web:\n    image: x\n    environment: {A: [1]}\n", "services.web.environment.A: expected text or a number or true or false or nothing, found [1]. Write one value."),
    ("services:\n  web:\n    image: x\n    healthcheck: {test: x, interval: 10}\n", "services.web.healthcheck.interval: expected text, found 10. Write it like 30s or 1m30s."),
    ("services:\n  web:\n    build: {context: ., dockerfile: ../../x}\n", "is outside the repository"),
    ("services:\n  web:\n    build: {contxt: .}\n", "services.web.build.contxt: unknown key. Did you mean context?"),
    ("services:\n  web:\n    build: {context: ., dockerfile_inline: x}\n", "compose.yaml:3: services.web.build.dockerfile_inline:1: no FROM line"),
    ("services:\n  web:\n    image: x:${GALLEY_COMMIT}\n", "compose.yaml:3: services.web.image: GALLEY_COMMIT is known only when the preview starts. Use it in environment or build.args."),
    ("services:\n  web:\n    image: x\n    extends: {service: y}\n", "compose.yaml:4: services.web.extends: there is no service y. Describe it"),
    ("include: [x]\nservices: {web: {image: x}}\n", "compose.yaml:1: include.0: there is no file x in this commit. Add it"),
    ("web:\n  image: x\n", "compose.yaml:1: web: unknown key. Write services below services:."),
    ("services:\n  'a b': {image: x}\n", "compose.yaml:2: services.a b: not a service name. Begin with a letter or digit"),
    ("services:\n  web:\n", "compose.yaml:2: services.web: expected a map, found nothing."),
    ("services:\n  web:\n    image: x\n    environment:\n", "compose.yaml:4: services.web.environment: has no value. Write one, or remove the key."),
    ("services:\n  a:\n    extends: {file: no.yml, service: b}\n", "compose.yaml:3: services.a.extends.file: there is no file no.yml in this commit."),
    ("services:\n  a:\n    extends: {file: 'https://x.y/z.yml', service: b}\n", "compose.yaml:3: services.a.extends.file: refused: https://x.y/z.yml is a remote address."),
    ("services:\n  web:\n    image: x\n    volumes: ['${HOME}/x:/s']\n", "services.web.volumes.0: refused: ${HOME}/x is a path of the host"),
    ("services:\n  web:\n    image: x\n    ports: ['1:${GALLEY_NUMBER}']\n", "compose.yaml:4: services.web.ports.0: GALLEY_NUMBER is known only when the preview starts"),
    ("services:\n  web:\n    image: x\n    privileged: maybe\n", "compose.yaml:4: services.web.privileged: 'maybe' is neither true nor false. Write true or false."),
    ("services:\n  web:\n    image: x\n    tmpfs: ['/a:mode=9']\n", "compose.yaml:4: services.web.tmpfs: mode=9 is not a valid number"),
    ("services:\n  _web:\n    image: x\n", "compose.yaml:2: services._web: not a service name"),
    ("services:\n  web:\n    image: x\n    labels: {galley.kind: site}\n", "'site' is not a kind"),
    ("services:\n  web:\n    image: x\n    healthcheck: {test: [RUN, x]}\n", "starts with 'RUN'"),
    ("services:\n  web:\n    image: x\n    mem_limit: big\n", "'big' is not a size"),
    ("services:\n  web:\n    image: x\n    environment: yes please\n", "expected a map or a list"),
    ("services:\n  web:\n    image: x\n    depends_on: db\n", "compose.yaml:4: services.web.depends_on: expected a map or a list, found 'db'. Write"),
    ("services:\n  web:\n    image: x\n    depends_on: {db: service_healthy}\n", "services.web.depends_on.db: expected a map, found 'service_healthy'. Write key: value below it."),
    ("services:\n  web:\n    image: x\n    depends_on: {db: {condition: healthy}}\n", "'healthy' is not allowed. Allowed: service_started, service_healthy"),
    ("services:\n  web:\n    image: x\n    depends_on: {db: {}}\n", "services.web.depends_on.db: condition is missing. Add condition:."),
    ("services:\n  web:\n    image: x\n    healthcheck: curl\n", "compose.yaml:4: services.web.healthcheck: expected a map, found 'curl'"),
    ("services:\n  web:\n    image: x\n    healthcheck: {test: 5}\n", "services.web.healthcheck.test: expected a list or text, found 5"),
    ("services:\n  web:\n    image: x\n    healthcheck: {test: [CMD, x, 80]}\n", "services.web.healthcheck.test.2: expected text, found 80. Put it in quotes."),
    ("services:\n  web:\n    image: x\n    healthcheck: {test: x, retries: three}\n", "services.web.healthcheck.retries: 'three' is not a number. Write it like 3"),
    ("services:\n  web:\n    image: x\n    deploy: x\n", "services.web.deploy: expected a map or nothing, found 'x'"),
    ("services:\n  web:\n    image: x\nvolumes: [data]\n", "compose.yaml:4: volumes: expected a map, found ['data']"),
    ("services:\n  web:\n    image: x\n    mem_limit: %s\n" % ("9" * 330), "compose.yaml:4: services.web.mem_limit: "),
    ("services:\n  web:\n    image: x\n    environment: [{A: 1}]\n", "services.web.environment.0: expected text, found {'A': 1}"),
    ("services:\n  web:\n    image: x\n    working_dir: [a]\n", "services.web.working_dir: expected text, found ['a']"),
    ("services:\n  web:\n    image: x\n    ports: 80\n", "services.web.ports: expected a list, found 80. Write - item below it."),
    ("services:\n  web:\n    image: x\n    volumes: [{type: bnd, target: /x}]\n", "'bnd' is not allowed. Allowed: bind, volume"),
    ("services:\n  web:\n    image: x\n    storage: x\n", "services.web.storage: unknown key. Did you mean storage_opt?"),
    ("services:\n  web:\n    image: x\n    x-galley-kind: [a]\n", "['a'] is not a kind"),
    ("services:\n  web:\n    image: x\n    x-galley-seed: {a: b}\n", "compose.yaml:4: services.web.x-galley-seed: {'a': 'b'} is not a command"),
    ("services:\n  web:\n    image: x\n    x-galley-migrate: []\n", "services.web.x-galley-migrate: [] is not a command. Write text, or a list of words"),
    ("services:\n  web:\n    image: x\n    x-galley-migrate: 'say \"a'\n", "cannot be split into words"),
    ("services:\n  web: x\n", "compose.yaml:2: services.web: expected a map"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), GALLEY)
async def test_galley_errors(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"galley.yml": text}))
    assert message in str(caught.value)
    assert str(caught.value).startswith("galley.yml:")


@pytest.mark.parametrize(("text", "message"), COMPOSE)
async def test_compose_errors(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"compose.yaml": text}))
    assert message in str(caught.value)
    assert str(caught.value).startswith("compose.yaml:")


async def test_everything_that_is_wrong_with_a_galley_yml_is_told_at_once_in_its_order() -> None:
    text = """
    version: 1
    services:
      a: {kind: webb, image: x}
      b: {image: x, expose: 99999, command: x}
      c: {build: {path: ../out}}
      d: {kind: web}
    """
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"galley.yml": text}))
    told = [line.partition(": ") for line in str(caught.value).splitlines()]
    assert [place for place, _, _ in told] == [f"galley.yml:{line}" for line in (3, 4, 4, 5, 6)]
    assert [said.partition(": ")[0] for _, _, said in told] == [
        "services.a.kind", "services.b.expose", "services.b.command", "services.c.build.path", "services.d",
    ]  # fmt: skip


async def test_refusals_are_told_in_the_order_of_the_file() -> None:
    keys = (
        "devices: [/dev/kvm]",
        "pid: host",
        "cap_add: [SYS_ADMIN]",
        "privileged: true",
        "volumes: ['/etc:/x']",
    )
    text = "\n".join(["services:", "  web:", "    image: x", *(f"    {key}" for key in keys)])
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"compose.yaml": text}))
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["4", "5", "6", "7", "8"]


async def test_a_misspelt_key_is_not_also_a_missing_one() -> None:
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"galley.yml": "version: 1\nservces: {a: {image: x}}\n"}))
    assert str(caught.value) == "galley.yml:2: servces: unknown key. Did you mean services?"


async def test_nothing_to_run() -> None:
    with pytest.raises(NoRecipe, match="compose file or Dockerfile") as caught:
        await read_recipe(Files(**{"README.md": "hello"}))
    assert caught.value.reason == "no_recipe"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("Dockerfile.prod", "Rename Dockerfile.prod to Dockerfile"),
        ("api.dockerfile", "Rename api.dockerfile to Dockerfile"),
        ("build/Dockerfile", "There is build/Dockerfile: add a galley.yml with a service that has build: {path: build}"),
        ("build/Dockerfile.prod", "with a service that has build: {path: build, dockerfile: Dockerfile.prod}"),
        ("api/Containerfile", "with a service that has build: {path: api, dockerfile: Containerfile}"),
    ],
)  # fmt: skip
async def test_a_dockerfile_of_another_name_is_named(path: str, told: str) -> None:
    with pytest.raises(NoRecipe) as caught:
        await read_recipe(Files(**{path: "FROM x", "src/dockerfiles.py": ""}))
    assert str(caught.value).endswith(told)


@pytest.mark.parametrize(
    ("target", "told"),
    [("prodution", "Did you mean production?"), ("3", "Stages there: base, production.")],
)
async def test_a_stage_that_is_not_there(target: str, told: str) -> None:
    dockerfile = "FROM x AS base\nFROM x AS production\nFROM base\n"
    text = f"services:\n  web:\n    build:\n      context: .\n      target: '{target}'\n"
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"compose.yaml": text, "Dockerfile": dockerfile}))
    problem = "compose.yaml:3: services.web.build.target: its Dockerfile has no stage"
    assert str(caught.value) == f"{problem} {target}. {told}"


async def test_a_symbolic_link_is_not_read_as_a_recipe() -> None:
    with pytest.raises(RecipeError, match="a symbolic link is not followed"):
        await read_recipe(Files(**{"galley.yml": "-> /etc/passwd"}))


async def test_a_dockerfile_without_from() -> None:
    with pytest.raises(RecipeError, match="Dockerfile:1: no FROM line"):
        await read_recipe(Files(Dockerfile="RUN true\n"))


SEVERAL = {
    "galley.yml": """\
        services:
          web:
            build: ../other
            prot: 8080
            restart: sometimes
          db:
            kind: database
            depends_on: [wep]
          api:
            image: x
            env: 7
        nonsense: 1
        """,
    "compose.yaml": """\
        services:
          web:
            build: ../other
            privileged: true
            volumes: [/etc:/q]
            x-galley-kind: site
            healthcheck: {test: [RUN, x]}
            mem_limit: big
          db:
            image: 7
            volumes: [/srv:/x]
            depends_on: [wep]
        """,
}
ALL = {
    "galley.yml": [
        "galley.yml:1: version is missing",
        "galley.yml:3: services.web.build.path: ../other is outside",
        "galley.yml:4: services.web.prot: unknown key",
        "galley.yml:5: services.web.restart: 'sometimes' is not",
        "galley.yml:6: services.db: says neither build nor image",
        "galley.yml:8: services.db.depends_on: there is no service wep. Did you mean web",
        "galley.yml:11: services.api.env: expected a map",
        "galley.yml:12: nonsense: unknown key",
    ],
    "compose.yaml": [
        "compose.yaml:2: services.web: 'site' is not a kind",
        "compose.yaml:3: services.web.build.context: ../other is outside",
        "compose.yaml:4: services.web.privileged: refused",
        "compose.yaml:5: services.web.volumes.0: refused: /etc",
        "compose.yaml:7: services.web.healthcheck.test: starts with 'RUN'",
        "compose.yaml:8: services.web.mem_limit: 'big' is not a size",
        "compose.yaml:10: services.db.image: expected text",
        "compose.yaml:11: services.db.volumes.0: refused: /srv",
        "compose.yaml:12: services.db.depends_on: there is no service wep. Did you mean web",
    ],
}


@pytest.mark.parametrize("name", SEVERAL)
async def test_one_push_can_mend_everything(name: str) -> None:
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{name: SEVERAL[name]}))
    lines = sorted(str(caught.value).splitlines(), key=lambda line: int(line.split(":")[1]))
    assert [line[: len(wanted)] for line, wanted in zip(lines, ALL[name], strict=True)] == ALL[name]


@pytest.mark.parametrize(
    "text",
    [
        "include: [no.yml]\nservices:\n  web:\n    image: x\n    depends_on: [db]\n",
        "services:\n  web:\n    image: x\n    volumes: [data:/y]\nvolumes: [data]\n",
    ],
)
async def test_what_cannot_be_read_is_not_called_missing(text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"compose.yaml": text}))
    assert len(str(caught.value).splitlines()) == 1


async def test_every_dockerfile_that_is_missing_is_named() -> None:
    text = "version: 1\nservices:\n  a: {build: one}\n  b: {build: two}\n"
    with pytest.raises(RecipeError) as caught:
        await read_recipe(Files(**{"galley.yml": text}))
    assert "no file one/Dockerfile" in str(caught.value) and "no file two/Dockerfile" in str(caught.value)
