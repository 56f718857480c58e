"""The verbs: they make units of work and commit them. No SQL, no HTTP; all of that stands behind the ports."""
