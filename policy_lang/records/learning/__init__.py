"""Learning a policy from records: observe, generalise, write, prove."""
