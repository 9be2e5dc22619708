"""Regular sets of segment sequences: globs, tries, the lazy automaton, exact set algebra."""
