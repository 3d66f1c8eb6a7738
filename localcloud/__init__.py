"""A local AWS for development and tests: MiniStack, serving the package that goes to Lambda.

Never in that package itself. `python -m localcloud` runs it.
"""
