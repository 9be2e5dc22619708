"""What the decision log is good for afterwards: looking things up, telemetry, replay, learning a policy."""
