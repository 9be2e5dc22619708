"""The boundary of bytes: JSON requests, JSON decisions."""
