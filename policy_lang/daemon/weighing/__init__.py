"""Weighing a proposal: what a rule would permit, found by the exact engine in a process of its own."""
