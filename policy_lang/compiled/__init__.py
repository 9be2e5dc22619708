"""The compiled form of a policy set: one file that is checked, and then read where a decision needs it."""
