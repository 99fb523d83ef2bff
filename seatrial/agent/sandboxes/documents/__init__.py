"""Files that a policy is given read: YAML with the line of each key, Dockerfiles by instruction.

Policies have only the standard library, so the host reads these for them. Reading is bounded, and what cannot be read is an
answer with the reason, never an error of the evaluation.
"""

from seatrial.agent.sandboxes.documents.dockerfile import steps
from seatrial.agent.sandboxes.documents.yaml import documents

VERSION = "4"  # of what these functions answer: part of what a remembered result depends on

__all__ = ["VERSION", "documents", "steps"]
