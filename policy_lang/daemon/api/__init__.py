"""The interface: from a call and its caller to a reply, without a socket."""
