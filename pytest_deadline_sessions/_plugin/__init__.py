"""Decide which test has the service, and when; these modules import only pytest at their top."""
