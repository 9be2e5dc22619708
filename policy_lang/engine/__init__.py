"""Policy set and request to decision. No third-party imports, no I/O but what path resolution needs."""
