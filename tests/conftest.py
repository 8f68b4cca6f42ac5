import os
import time

import hypothesis

pytest_plugins = ["pytester"]

os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()

# The same wherever the tests run: Hypothesis has a profile of its own where CI is set. And what a
# test may take is no concern of it on a machine that does other work too.
hypothesis.settings.register_profile(
    "patient", hypothesis.settings.get_profile("default"), deadline=None
)
hypothesis.settings.load_profile("patient")
