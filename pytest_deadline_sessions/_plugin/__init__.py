"""Which test has the service, and from when to when; these files load pytest alone at their top."""
