"""The nouns: request, decision, effect, limits, diagnostics. Standard library only."""
