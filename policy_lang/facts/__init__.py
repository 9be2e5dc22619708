"""Resources normalised once: paths, hosts, refs, names, commands. What is malformed raises RequestError."""
