"""Approvals: tickets that stop a request for people, and what may become of them. Pure, but for the stores."""
