"""Infers the kind of a service if the recipe does not say."""

import re

from seatrial.wire.states import ServiceKind

BY_IMAGE = {
    ServiceKind.DATABASE: {
        "postgres", "postgresql", "postgis", "pgvector", "timescaledb", "mysql", "mariadb", "percona", "mongo", "mongodb",
        "mssql", "sqledge", "oracle", "cockroach", "cockroachdb", "cassandra", "scylla", "scylladb", "couchdb", "couchbase",
        "neo4j", "memgraph", "dgraph", "arangodb", "orientdb", "surrealdb", "rethinkdb", "clickhouse", "influxdb", "questdb",
        "victoriametrics", "elasticsearch", "opensearch", "solr", "meilisearch", "typesense", "qdrant", "weaviate", "milvus",
        "chroma", "minio", "etcd", "ferretdb", "firebird", "db2", "tidb", "yugabyte", "immudb", "rqlite", "ravendb",
    },
    ServiceKind.CACHE: {"redis", "valkey", "memcached", "keydb", "dragonfly", "garnet"},
    ServiceKind.QUEUE: {
        "nats", "rabbitmq", "kafka", "redpanda", "zookeeper", "mosquitto", "emqx", "vernemq", "activemq", "artemis",
        "pulsar", "beanstalkd", "nsq",
    },
}  # fmt: skip
BESIDE = {
    "exporter", "admin", "ui", "gui", "express", "commander", "insight", "backup", "client", "connect", "console",
    "dashboards", "cli", "mc", "rest", "init", "setup", "registry",
}  # fmt: skip
PROXIES = {"nginx", "caddy", "traefik", "haproxy", "httpd", "apache", "envoy", "varnish", "openresty", "swag"}
DEFAULT_PORTS = {
    "postgres": 5432, "postgresql": 5432, "postgis": 5432, "pgvector": 5432, "timescaledb": 5432, "mysql": 3306,
    "mariadb": 3306, "percona": 3306, "mongo": 27017, "mongodb": 27017, "mssql": 1433, "oracle": 1521,
    "cockroachdb": 26257, "cockroach": 26257, "cassandra": 9042, "scylla": 9042, "couchdb": 5984, "neo4j": 7687,
    "arangodb": 8529, "rethinkdb": 28015, "clickhouse": 8123, "influxdb": 8086, "elasticsearch": 9200,
    "opensearch": 9200, "solr": 8983, "meilisearch": 7700, "typesense": 8108, "qdrant": 6333, "minio": 9000,
    "etcd": 2379, "redis": 6379, "valkey": 6379, "keydb": 6379, "dragonfly": 6379, "memcached": 11211, "nats": 4222,
    "rabbitmq": 5672, "kafka": 9092, "redpanda": 9092, "zookeeper": 2181, "mosquitto": 1883, "activemq": 61616,
}  # fmt: skip
BROWSED = {8123, 8086, 7700, 8108, 9000, 8529, 8983}  # ports on which programs for visitors listen as well


def repository_name(image: str) -> str:
    """`postgres` of `registry.example:5000/library/postgres:15@sha256:...`."""
    return re.split(r"[:@]", image.rsplit("/", 1)[-1], maxsplit=1)[0].lower()


def words(image: str) -> list[str]:
    """The words of an image's name; of `mssql/server` those of its folder too, as `server` alone says nothing."""
    name = repository_name(image)
    folder = image.lower().split("/")[-2:-1] if name == "server" else []
    return re.split(r"[-_.]", "-".join([*folder, name]))


def of_image(image: str) -> ServiceKind | None:
    """The kind that an image's name implies, by whole words, so that `postgres-exporter` is no database."""
    in_image = words(image)
    if BESIDE & set(in_image):
        return None
    return next((kind for kind, names in BY_IMAGE.items() if names & set(in_image)), None)


def is_proxy(image: str) -> bool:
    """Whether it is a proxy that leads visitors to other services, whose addresses it may have cached."""
    return bool(PROXIES & set(words(image)))


def of_port(port: int | None) -> ServiceKind | None:
    """The kind implied by a port that only one sort of server listens on."""
    if port in BROWSED:
        return None
    name = next((name for name, usual in DEFAULT_PORTS.items() if usual == port), "")
    return next((kind for kind, names in BY_IMAGE.items() if name in names), None)


def default_ports(image: str) -> tuple[int, ...]:
    """The port servers of this name listen on, if it is known."""
    if of_image(image) is None:
        return ()
    return tuple(DEFAULT_PORTS[word] for word in words(image) if word in DEFAULT_PORTS)[:1]


def infer(image: str | None, *, listens: bool) -> ServiceKind:
    """The kind of a service whose recipe gives none: by its image's name, else web if it listens, else worker."""
    by_name = of_image(image) if image else None
    if by_name is not None:
        return by_name
    return ServiceKind.WEB if listens else ServiceKind.WORKER
