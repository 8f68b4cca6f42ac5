"""Carry requests from every kind of client to the service."""
