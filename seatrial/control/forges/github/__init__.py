"""GitHub's webhooks: how they are signed and what they say. The local forge speaks the same."""

KIND = "github"
