"""The Model Context Protocol for coding assistants, at /mcp: REST's own operations as tools, and what only assistants ask.

`view` is the door, `serving` speaks the protocol, `catalogue` lists the tools, `tools` makes one of an operation.
"""
