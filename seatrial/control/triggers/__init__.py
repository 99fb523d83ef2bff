"""Triggers: what an event of a forge leads to, in previews and policies. Plain functions; the worker calls them."""
