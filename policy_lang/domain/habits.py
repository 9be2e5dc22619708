"""Words of other languages: what people write who come from elsewhere, and what is meant by it here."""

from __future__ import annotations

_MEANT = {
    # actions
    "run": "execute exec bash shell sh command cmd spawn program process terminal powershell",
    "write": "edit modify create update change append overwrite save multiedit notebookedit apply_patch patch",
    "delete": "remove rm unlink erase",
    "read": "view open cat list ls glob grep search access",
    "connect": "fetch webfetch network net http https internet web egress host download curl domain url",
    "call": "tool tools mcp invoke mcp_tool",
    "use": "secret secrets credential credentials token",
    "setenv": "env environment variable export environ",
    "do": "perform operation",
    "merge": "pr",
    "read, write, delete": "all any everything full",
    # effects and claims
    "allow": "permit grant accept approve enable whitelist allowlist let_agent",
    "deny": "forbid block reject refuse disallow prohibit drop blacklist denylist ban",
    "ask": "prompt confirm request require_approval escalate",
    # statements
    "import": "include require using load",
    "let": "const var define set alias",
    "agent": "role user principal group subject identity",
    "policy": "package namespace module",
    "when": "if where provided",
    "otherwise": "default else",
    # clauses and conditions
    "when not": "unless",
    "except": "excluding but exclude",
    "because": "reason why description comment",
    "until": "expires expiry",
    "and": "&&",
    "or": "||",
    "==": "===",
    "true": "True TRUE yes",
    "false": "False FALSE no",
}
_BY_WORD = {word: meant for meant, words in _MEANT.items() for word in words.split()}


def meant_by(word: str) -> str:
    """What a word of another language is called here; empty for one that is not known."""
    return _BY_WORD.get(word) or _BY_WORD.get(word.lower(), "")
