"""What is done with records: looking up, telemetry, replay, learning."""
