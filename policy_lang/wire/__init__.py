"""Where bytes enter and leave: JSON requests, JSON decisions."""
