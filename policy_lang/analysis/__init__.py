"""Exact analysis: questions about all requests, answered with a witness that the engine confirms."""
