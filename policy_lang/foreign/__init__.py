"""Permission files that people have: read, modelled, taken over into a policy, linted in place, written back."""
