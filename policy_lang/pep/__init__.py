"""The policy enforcement point that an agent's hook runs. Standard library only, and little of that."""
