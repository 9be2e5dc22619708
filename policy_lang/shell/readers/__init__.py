"""Programs whose words follow rules of their own. `shell/programs.py` says which module has which."""
