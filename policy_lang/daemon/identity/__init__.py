"""Callers and principals: configuration, principals, people, signatures."""
