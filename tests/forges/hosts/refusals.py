"""What a fake forge answers instead of what was asked for."""


class Gone(Exception):
    """404."""


class Refused(Exception):
    """403 or 422, with the words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
