"""Resolved program to normal form. Apart from `ir`, so that deciding needs no parser and no package."""
