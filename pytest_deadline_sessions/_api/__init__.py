"""The Deadline Cloud API as the installed botocore models it."""
