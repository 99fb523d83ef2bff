"""Agents and the tokens they join with."""

from django.db import models

from seatrial.control.ids import UlidField
from seatrial.wire.states import AgentState


class Agent(models.Model):
    """One program on one Docker host. Heartbeats and sweeps change `state`; see `fleet.services`."""

    id = UlidField()
    name = models.CharField(max_length=100, unique=True)
    state = models.CharField(max_length=10, choices=[(s, s) for s in AgentState], default=AgentState.OFFLINE)
    public_key = models.CharField(max_length=64, unique=True)
    seal_key = models.CharField(max_length=64)
    release = models.CharField(max_length=50, blank=True)
    registered_at = models.DateTimeField(auto_now_add=True)
    last_heartbeat_at = models.DateTimeField(null=True)
    heartbeat = models.JSONField(default=dict)  # the last `wire.agents.Heartbeat`
    revoked_at = models.DateTimeField(null=True)
    # Somebody asked for it; stays set while the agent is offline
    draining_since = models.DateTimeField(null=True)
    # Lists do not show it any more. The row stays: deployments and verdicts name it
    removed_at = models.DateTimeField(null=True)
    # When it asked to be let in and was refused last, and why, for people
    refused_at = models.DateTimeField(null=True)
    refused = models.CharField(max_length=300, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class BootstrapToken(models.Model):
    """Lets one agent register once. Only the SHA-256 is kept."""

    id = UlidField()
    name = models.CharField(max_length=100)  # the agent will have it
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True)

    def __str__(self) -> str:
        return f"bootstrap of {self.name}"
