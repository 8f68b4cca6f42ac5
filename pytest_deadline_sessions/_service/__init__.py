"""The in-memory Deadline Cloud: its state, behavior and operations."""
