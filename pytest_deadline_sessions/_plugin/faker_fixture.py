"""Add the provider to the ``faker`` fixtures of other plugins."""

from __future__ import annotations


def add_provider(fake: object) -> None:
    """Add the provider to a Faker that lacks it; ignore anything else."""
    from faker import Faker
    from faker.generator import Generator

    from pytest_deadline_sessions.provider import DeadlineProvider

    if isinstance(fake, Faker):
        for generator in fake.factories:
            add_provider(generator)
    elif isinstance(fake, Generator) and not any(
        isinstance(provider, DeadlineProvider) for provider in fake.providers
    ):
        fake.add_provider(DeadlineProvider)
