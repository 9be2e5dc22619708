"""Tickets: what may become of them, where they are kept, who answers."""
