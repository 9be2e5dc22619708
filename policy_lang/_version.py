"""The version, by itself: a hook needs nothing else of the package."""

__version__ = "0.1.0"
