"""Sea trial.

Looks at the running preview of a pull request, and not at its code: whether it answers, what it says when it starts, how big it is, and what it opens.
"""
