"""The sorts of resources, one file each: words, patterns, alphabet, space, and how they are shown."""
