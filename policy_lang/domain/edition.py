"""Language editions. A policy file may name the one it is written in; without a name it is the newest."""

NEWEST_EDITION = 1
"""The newest edition that this program reads."""

LANGUAGE_VERSION = str(NEWEST_EDITION)
"""The same as text: what `policy --version`, digests and compiled policies say."""
