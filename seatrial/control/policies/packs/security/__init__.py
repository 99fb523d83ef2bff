"""Security.

What attackers of a project's automation use: workflows with too many rights, actions that move, text of strangers in scripts, programs from the network, and no way to report a fault.
"""
