"""The agent's connection to NATS: credentials, desired state, jobs, events."""
