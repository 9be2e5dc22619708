"""Who calls, and as whom: configuration, principals, people, signatures."""
