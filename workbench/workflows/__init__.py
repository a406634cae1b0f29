"""One verb a file: each takes a workspace and values, calls the stages in their order and returns values.

The command line, the UI and the tests call the same functions.
"""
