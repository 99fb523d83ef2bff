"""Every subject, stream and key-value bucket, in one place.

| name                                            | kind          | written by    | read by       |
|-------------------------------------------------|---------------|---------------|---------------|
| seatrial.agents.<agent>.heartbeat               | core NATS     | agent         | control       |
| seatrial.agents.<agent>.observed.<Kind>         | stream OBSERVED | agent       | control       |
| seatrial.agents.<agent>.logs.<env>.<dep>.<svc>  | stream LOGS   | agent         | control (SSE) |
| seatrial.agents.<agent>.credentials             | NATS request  | agent         | control       |
| seatrial.agents.<agent>.variables               | NATS request  | agent         | control       |
| seatrial.agents.<agent>.registries              | NATS request  | agent         | control       |
| seatrial.agents.<agent>.visits                  | NATS request  | agent         | control       |
| _INBOX_<agent>.ask.host                         | core NATS     | control       | that agent    |
| _INBOX_<agent>.ask.screenshot                   | core NATS     | control       | that agent    |
| seatrial.agents.<agent>.answers.<question>      | core NATS     | agent         | control       |
| _INBOX_<agent>.tunnels                          | core NATS     | control       | that agent    |
| _INBOX_<agent>.tunnels.<tunnel>                 | core NATS     | control       | that agent    |
| seatrial.agents.<agent>.tunnels.<tunnel>        | core NATS     | agent         | control       |
| seatrial.jobs.evaluations.<workspace>           | stream JOBS   | control       | any agent     |
| desired-<agent> / <environment>                 | KV bucket     | control       | that agent    |

An agent may write below `seatrial.agents.<its id>.` and nowhere else, and reads what is sent to its inbox; see `agent_permissions`.
So an agent can be asked, and can answer, with the credential that it was given when it registered.
"""

OBSERVED_STREAM = "OBSERVED"
OBSERVED_SUBJECTS = "seatrial.agents.*.observed.>"
OBSERVED_CONSUMER = "control"

LOGS_STREAM = "LOGS"
LOGS_SUBJECTS = "seatrial.agents.*.logs.>"

JOBS_STREAM = "JOBS"
JOBS_SUBJECTS = "seatrial.jobs.>"
EVALUATIONS_CONSUMER = "evaluations"

HEARTBEATS = "seatrial.agents.*.heartbeat"
CREDENTIALS = "seatrial.agents.*.credentials"
VARIABLES = "seatrial.agents.*.variables"
REGISTRIES = "seatrial.agents.*.registries"
VISITS = "seatrial.agents.*.visits"


def heartbeat(agent: str) -> str:
    """The subject of `agent`'s heartbeats, one every 10 s."""
    return f"seatrial.agents.{agent}.heartbeat"


def credentials(agent: str) -> str:
    """The subject on which `agent` asks for source credentials; the answer comes to its inbox."""
    return f"seatrial.agents.{agent}.credentials"


def variables(agent: str) -> str:
    """The subject on which `agent` asks for the variables of a deployment; the answer comes to its inbox."""
    return f"seatrial.agents.{agent}.variables"


def registries(agent: str) -> str:
    """The subject on which `agent` asks for a registry login; the answer comes to its inbox."""
    return f"seatrial.agents.{agent}.registries"


def visits(agent: str) -> str:
    """The subject on which `agent` asks to have a preview visited; the answer comes to its inbox."""
    return f"seatrial.agents.{agent}.visits"


def ask_host(agent: str) -> str:
    """The subject on which `agent` is asked about its host. It is in its inbox, which every agent may read; the bus's clients make
    no such name there."""
    return f"{inbox_prefix(agent)}.ask.host"


def ask_screenshot(agent: str) -> str:
    """The subject on which `agent` is asked for a screenshot, beside `ask_host`."""
    return f"{inbox_prefix(agent)}.ask.screenshot"


def host_answer(agent: str, question: str) -> str:
    """The subject of the answer of `agent` to one question."""
    return f"{host_answers(agent)}{question}"


def host_answers(agent: str) -> str:
    """The beginning of every `host_answer` of `agent`."""
    return f"seatrial.agents.{agent}.answers."


def open_tunnels(agent: str) -> str:
    """The subject on which `agent` is asked to open tunnels into previews; in its inbox, like `ask_host`."""
    return f"{inbox_prefix(agent)}.tunnels"


def into_tunnel(agent: str, tunnel: str) -> str:
    """The subject of what one tunnel carries to `agent`."""
    return f"{open_tunnels(agent)}.{tunnel}"


def out_of_tunnel(agent: str, tunnel: str) -> str:
    """The subject of what one tunnel carries from `agent`."""
    return f"seatrial.agents.{agent}.tunnels.{tunnel}"


def observed(agent: str, kind: str) -> str:
    """The subject on which `agent` reports events of `kind` (a class name of `seatrial.wire`)."""
    return f"seatrial.agents.{agent}.observed.{kind}"


def logs(agent: str, environment: str, deployment: str, service: str) -> str:
    """The subject of the log chunks that `agent` sends of one service (or of the deployment itself: `_system`). A service's name
    may have dots, a subject's words have none: readers take the name from the chunk."""
    if not service:
        raise ValueError("a line belongs to a service: the bus refuses a subject that ends with a dot")
    return f"seatrial.agents.{agent}.logs.{environment}.{deployment}.{service.replace('.', '%2E')}"


def logs_of_deployment(environment: str, deployment: str, *, agent: str = "") -> str:
    """The filter that matches every log chunk of one deployment; if `agent` is given, only those that this agent sent."""
    return f"seatrial.agents.{agent or '*'}.logs.{environment}.{deployment}.*"


def logs_of_environment(environment: str) -> str:
    """The filter that matches every log chunk of one environment from any agent: its deployments may be on different agents."""
    return f"seatrial.agents.*.logs.{environment}.*.*"


def evaluation_jobs(workspace: str) -> str:
    """The subject on which `RunEvaluation` and `RunTrial` commands of one workspace wait."""
    return f"seatrial.jobs.evaluations.{workspace}"


def desired_bucket(agent: str) -> str:
    """The KV bucket holding one `DesiredEnvironment` per environment placed on `agent`."""
    return f"desired-{agent}"


def agent_of(subject: str) -> str:
    """The agent id within `seatrial.agents.<agent>...`. The bus enforces it, so the sender is known whatever the payload says."""
    return subject.split(".")[2]


def deployment_of(subject: str) -> str:
    """The deployment id within `seatrial.agents.<agent>.logs.<env>.<dep>.<svc>`."""
    return subject.split(".")[5]


def inbox_prefix(agent: str) -> str:
    """The prefix of the agent's own reply subjects, so that no agent reads another's replies."""
    return f"_INBOX_{agent}"


def agent_permissions(agent: str) -> tuple[list[str], list[str]]:
    """The subjects that the user JWT of `agent` allows: (publish, subscribe).

    The agent reads its bucket through an ordered consumer only. A direct get is not allowed, because the bus would send
    the entry to any reply subject, which might be a key of another agent's bucket.
    """
    bucket = f"KV_{desired_bucket(agent)}"
    publish = [
        f"seatrial.agents.{agent}.>",
        f"$JS.API.STREAM.INFO.{bucket}",
        f"$JS.API.CONSUMER.CREATE.{bucket}",
        f"$JS.API.CONSUMER.INFO.{bucket}.>",
        f"$JS.API.CONSUMER.DELETE.{bucket}.>",
        f"$JS.FC.{bucket}.>",
        f"$JS.API.CONSUMER.INFO.{JOBS_STREAM}.{EVALUATIONS_CONSUMER}",
        f"$JS.API.CONSUMER.MSG.NEXT.{JOBS_STREAM}.{EVALUATIONS_CONSUMER}",
        f"$JS.ACK.{JOBS_STREAM}.{EVALUATIONS_CONSUMER}.>",
    ]
    return publish, [f"{inbox_prefix(agent)}.>"]
