import os
import time

import hypothesis

pytest_plugins = ["pytester"]

os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()

# What a test may take is no concern of Hypothesis on a machine that does other work too.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")
