"""What a service is for, when the recipe does not say."""

import re

from seatrial.wire.states import ServiceKind

KIND_LABEL = "galley.kind"
BY_IMAGE = {
    ServiceKind.DATABASE: ("postgres", "postgis", "pgvector", "timescaledb", "mysql", "mariadb", "mongo"),
    ServiceKind.CACHE: ("redis", "valkey", "memcached", "keydb", "dragonfly"),
    ServiceKind.QUEUE: ("nats", "rabbitmq", "kafka", "redpanda"),
}
DEFAULT_PORTS = {
    "postgres": 5432, "postgis": 5432, "pgvector": 5432, "timescaledb": 5432, "mysql": 3306, "mariadb": 3306,
    "mongo": 27017, "redis": 6379, "valkey": 6379, "memcached": 11211, "nats": 4222, "rabbitmq": 5672, "kafka": 9092,
}  # fmt: skip


def repository_name(image: str) -> str:
    """`postgres` of `registry.example:5000/library/postgres:15@sha256:...`."""
    return re.split(r"[:@]", image.rsplit("/", 1)[-1], maxsplit=1)[0].lower()


def of_image(image: str) -> ServiceKind | None:
    """The kind that an image's name tells: whole words of it, so that `postgres-exporter` is no database."""
    name = repository_name(image)
    if name.endswith(("-exporter", "-admin", "-ui", "-express", "-commander")):
        return None
    words = re.split(r"[-_.]", name)
    for kind, names in BY_IMAGE.items():
        if any(word in names or re.sub(r"(db|sql|ql)$", "", word) in names for word in words):
            return kind
    return None


def default_port(image: str) -> int | None:
    """The port servers of this name listen on."""
    return next(
        (DEFAULT_PORTS[w] for w in re.split(r"[-_.]", repository_name(image)) if w in DEFAULT_PORTS), None
    )


def infer(image: str | None, *, listens: bool) -> ServiceKind:
    """The kind of a service that does not say: by its image's name, else web when it listens, else worker."""
    by_name = of_image(image) if image else None
    if by_name is not None:
        return by_name
    return ServiceKind.WEB if listens else ServiceKind.WORKER
