"""Assertions about summaries, listings, calls and expired tokens.

Each says which rule does not hold, where that rule comes from, what came and what is allowed.
"""
