"""Assertions about summaries, listings, calls and expired tokens.

A failing assertion names the rule, its source, the actual value and what is allowed.
"""
