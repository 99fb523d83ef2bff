"""Node.js.

Projects in JavaScript and TypeScript: a manifest that is whole, scripts that do something, one lock file, a linter, strict types, a supported Node.
"""
