"""`policy completion`: the script that completes commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    \b
    bash: policy completion bash \\
              > ~/.local/share/bash-completion/completions/policy
    zsh:  policy completion zsh > "${fpath[1]}/_policy"
    fish: policy completion fish > ~/.config/fish/completions/policy.fish
    """
    from .main import cli

    found = get_completion_class(shell)
    if found is None:
        raise click.ClickException(f"there is no completion for `{shell}`")
    click.echo(found(cli, {}, "policy", "_POLICY_COMPLETE").source())
