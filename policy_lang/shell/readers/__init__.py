"""Programs whose words follow rules of their own. Importing this package registers all of them."""

from . import archives, files, git, interpreters, network, search, services, text, wrappers

__all__ = ["archives", "files", "git", "interpreters", "network", "search", "services", "text", "wrappers"]
