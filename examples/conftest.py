"""Draw 25 examples for a quick run; ``--hypothesis-profile=default`` draws 100."""

from __future__ import annotations

import hypothesis

# No deadline, since the time that an example takes depends on the machine.
hypothesis.settings.register_profile("quick", max_examples=25, deadline=None)
hypothesis.settings.load_profile("quick")
