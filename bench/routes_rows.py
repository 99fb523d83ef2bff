"""The rows that `bench.routes` measures on: many live environments, one of which changes."""

from datetime import UTC, datetime

from bench.timing import wait_until

REPOSITORY = "shop"
CHANGED = f"pr-1-{REPOSITORY}"


def endpoint(number: int) -> str:
    """The endpoint of the changing environment after `number` changes."""
    return f"http://10.200.{number // 250}.{number % 250 + 1}:8080"


def prepare() -> None:
    """Make Django's tables."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def fill(size: int) -> None:
    """Add environments until there are `size`, each live with one service."""
    from seatrial.control.accounts.models import Workspace
    from seatrial.control.fleet.models import Agent
    from seatrial.control.previews.models import Deployment, Environment
    from seatrial.control.projects.models import Connection, Project, PullRequest

    workspace, _ = Workspace.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    connection, _ = Connection.objects.get_or_create(
        workspace=workspace, forge="local", name="bench", defaults={"webhook_secret": "s" * 32}
    )
    project, _ = Project.objects.get_or_create(
        workspace=workspace,
        connection=connection,
        name=REPOSITORY,
        defaults={"slug": REPOSITORY, "external_id": "/bench", "clone_url": "/bench", "archived_at": _now()},
    )
    agent, _ = Agent.objects.get_or_create(name="bench", defaults={"public_key": "U", "seal_key": "k"})
    numbers = range(Environment.objects.count() + 1, size + 1)
    pulls = PullRequest.objects.bulk_create(
        PullRequest(
            project=project,
            number=n,
            title="t",
            author="a",
            branch="b",
            base_branch="main",
            head_sha="a" * 40,
            changed_at=_now(),
            opened_at=_now(),
        )
        for n in numbers
    )
    environments = Environment.objects.bulk_create(
        Environment(
            project=project,
            pull_request=pull,
            name=f"pr-{pull.number}-{REPOSITORY}",
            state="running",
        )
        for pull in pulls
    )
    deployments = Deployment.objects.bulk_create(
        Deployment(
            environment=environment,
            agent=agent,
            commit="a" * 40,
            state="live",
            services=[_web(_address(n))],
            ready_at=_now(),
        )
        for n, environment in zip(numbers, environments, strict=True)
    )
    for environment, deployment in zip(environments, deployments, strict=True):
        environment.live = deployment
    Environment.objects.bulk_update(environments, ["live"], batch_size=1000)


def deploy(number: int) -> str:
    """Have the changing environment's agent report a candidate as ready at a new endpoint; returns the candidate's id."""
    from seatrial.control.previews import events
    from seatrial.control.previews.models import Deployment, Environment
    from seatrial.wire.deployments import DeploymentReady, ObservedService
    from seatrial.wire.states import Isolation

    environment = Environment.objects.get(name=CHANGED)
    live = environment.live
    assert live is not None
    assert live.agent is not None
    candidate = Deployment.objects.create(environment=environment, agent=live.agent, commit="b" * 40)
    Environment.objects.filter(pk=environment.pk).update(candidate=candidate)
    ready = DeploymentReady(
        environment=environment.pk,
        deployment=candidate.pk,
        services=[ObservedService.model_validate(_web(endpoint(number)))],
        isolation=Isolation.CONTAINER,
    )
    events.ready(live.agent.pk, ready)
    return str(candidate.pk)


def switched(deployment: str) -> float:
    """Wait until the deployment is live; returns the seconds of its switch phase, as people see them."""
    from seatrial.control.previews.models import DeploymentPhase

    phases = DeploymentPhase.objects.filter(deployment=deployment, name="switch")
    wait_until(phases.exists)
    return phases.get().seconds or 0.0


def _web(address: str) -> dict[str, object]:
    return {"name": "web", "kind": "web", "state": "running", "endpoint": address}


def _address(number: int) -> str:
    return f"http://10.100.{number // 250}.{number % 250 + 1}:8080"


def _now() -> datetime:
    return datetime.now(UTC)
