"""Surveys: what the agent finds on its host when the control plane asks, and nothing that it does not ask."""
