"""`python -m policy_lang` is the command `policy`."""

from .cli.main import main

main()
