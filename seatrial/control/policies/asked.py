"""What operations of REST about policies share: how a thing is named in their addresses, and how they refuse."""

from typing import Annotated, Any

from ninja import Path

from seatrial.control.answers import ErrorAnswer

WorkspaceSlug = Annotated[str, Path(description="Slug of a workspace that you are in.")]
PolicyId = Annotated[str, Path(description="Id of a policy.")]
ProjectId = Annotated[str, Path(description="Id of the project.")]
REFUSED: dict[Any, Any] = {400: ErrorAnswer, 403: ErrorAnswer, 404: ErrorAnswer, 409: ErrorAnswer}
