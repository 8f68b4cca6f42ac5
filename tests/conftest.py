import os
import time

pytest_plugins = ["pytester"]

os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()
