"""Enforcement below the agent: the policy as walls around every process of it."""
