"""Time, faults, listings, tokens and calls."""
