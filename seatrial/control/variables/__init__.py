"""Variables and secrets of previews: setting, revealing and ending them, and the pages and operations for that.

The rows, and which of them a deployment gets, are in `projects.variables`.
"""
