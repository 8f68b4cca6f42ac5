"""The in-memory Deadline Cloud: state, behaviour and operations."""
