"""Bytes, limits and time: sockets, connections, the loop that serves them."""
