"""The decision log: records that cannot be quietly edited."""
