"""How much work is done, counted and not timed: the same on every machine, whatever else it does."""
