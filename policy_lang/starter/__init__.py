"""`policy init`: look at a repository, and write a small deny-by-default policy for it."""
