"""Scripts to commands. Now: a script that is one plain command; all else is opaque, with a reason."""
