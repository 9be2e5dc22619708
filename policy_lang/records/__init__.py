"""Uses of the decision log: search, telemetry, replay, learning a policy."""
