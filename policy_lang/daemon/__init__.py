"""The policy decision point as a service: HTTP and JSON over a Unix socket, its principals bound by configuration."""
