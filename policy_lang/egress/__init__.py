"""The way out: a proxy that asks the policy for every connection."""
