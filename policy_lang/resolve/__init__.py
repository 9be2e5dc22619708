"""Names, imports and types: from parsed files to one resolved policy set."""
