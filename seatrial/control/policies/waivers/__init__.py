"""Waivers: failures that an authorised person decided not to mind, for a while. See ADR 40."""
