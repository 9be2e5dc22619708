"""Programs whose words follow rules of their own; `table.py` says which function reads which."""
