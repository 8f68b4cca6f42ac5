"""As many examples as a quick run has time for; ``--hypothesis-profile=default`` draws 100."""

from __future__ import annotations

import hypothesis

# What an example may take depends on the machine.
hypothesis.settings.register_profile("quick", max_examples=25, deadline=None)
hypothesis.settings.load_profile("quick")
