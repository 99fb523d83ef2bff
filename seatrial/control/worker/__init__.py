"""The process beside the web: bus consumers, outbox relay, deliveries, reconciler, routes, sweeps."""
