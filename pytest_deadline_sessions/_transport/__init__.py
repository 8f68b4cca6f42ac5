"""How bytes reach the service."""
