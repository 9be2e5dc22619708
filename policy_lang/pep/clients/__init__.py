"""One module a client: what its hooks send, the answers that it honours, and the version it was tried with."""
