"""The starter pack: what nearly every repository should have. Each file is a policy; its docstring describes it."""
