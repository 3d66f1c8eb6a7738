"""The local AWS for development and tests: MiniStack, running the same package as Lambda.

`python -m localcloud` starts it. It is never part of the package.
"""
