"""What control plane and agents say to each other. pydantic only; owns no behaviour but validation."""

from seatrial.wire import agents, deployments, evaluations, logs

__all__ = ["agents", "deployments", "evaluations", "logs"]  # imported so that every message kind is known
