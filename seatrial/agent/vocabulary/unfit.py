"""The error for a value that is not what it should be."""


class Unfit(ValueError):
    """What is wrong with a value, and the fix, each without its full stop: whoever knows the place puts them together."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}. {fix}")
        self.problem = problem
        self.fix = fix
