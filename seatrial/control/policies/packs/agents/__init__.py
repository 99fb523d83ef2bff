"""Coding agents.

What coding agents are told and allowed: instructions that are there, true and short; tools that work on every machine; no secrets and no blanket permission.
"""
