"""What one policy may take of its host: questions, time, processes of git, bytes of answers. One that wants more is ended."""

from dataclasses import dataclass

MOST_QUESTIONS = 20_000
MOST_SECONDS = 60.0  # in which the host answers all questions
FACTS_SECONDS = 360.0  # that it has beyond that, if the policy asks for a fact
MOST_OF_HISTORY = 2_000  # questions, for each of which git is started and walks through commits
MOST_BYTES = 512 << 20  # of all answers together, as they travel
OF_HISTORY = frozenset(
    {
        "get_changed_files",
        "get_contributors",
        "get_tags",
        "get_diff",
        "get_file_last_commit_date",
        "get_history",
    }
)


class Exceeded(Exception):
    """The policy asked for more than it may have. The text is its result."""


@dataclass
class Budget:
    """What one policy has taken so far. Its siblings have budgets of their own."""

    questions: int = 0
    seconds: float = 0.0
    of_history: int = 0
    sent: int = 0
    facts: bool = False  # whether it asked for one

    @property
    def most_seconds(self) -> float:
        """The host's time for it."""
        return MOST_SECONDS + (FACTS_SECONDS if self.facts else 0.0)

    @property
    def seconds_left(self) -> float:
        """What is left of the host's time."""
        return self.most_seconds - self.seconds

    def ask(self, method: object) -> None:
        """Count a question before it is answered. Raises Exceeded."""
        self.questions += 1
        self.of_history += method in OF_HISTORY if isinstance(method, str) else 0
        if self.questions > MOST_QUESTIONS:
            raise Exceeded(f"asked more than {MOST_QUESTIONS:,} questions and was ended")
        if self.of_history > MOST_OF_HISTORY:
            raise Exceeded(f"asked more than {MOST_OF_HISTORY:,} questions about history and was ended")

    def give(self, size: int) -> None:
        """Count the bytes of an answer before it is sent, also of one that is too large to be sent. Raises Exceeded."""
        self.sent += size
        if self.sent > MOST_BYTES:
            raise Exceeded(
                f"was given more than {MOST_BYTES >> 20} MB of answers and was ended. Ask for less: choose files, search on the host"
            )
