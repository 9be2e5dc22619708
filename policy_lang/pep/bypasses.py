"""Every way known in which a client gets around its hook: what `policy doctor` lists, and what closes it."""

from __future__ import annotations

COMMON = (
    ("the agent runs as the user who owns the settings, the policy, this program or the service's socket, and changes them", "give the agent a user of its own, and install the hook managed"),
    ("a program that was allowed does something else than its name says", "a sandbox around the agent: the policy says what is meant, the sandbox what is possible"),
    ("the client is started with other settings, another home, or another program is started instead of it", "managed settings, and egress only for the client's own user"),
    ("a link is put in the place of a folder between the decision and the deed", "a sandbox; the hook decides on what the disk says at that moment"),
)  # fmt: skip

OF_CLIENT: dict[str, tuple[tuple[str, str], ...]] = {
    "claude": (
        ("the hook runs into the client's own limit, or the shell that starts it is killed: the call proceeds", "the hook gives up after 2 s, the client after 10 s"),
        ("`@file` in a prompt reads a file without a hook", "`permissions.deny` rules for `Read` in managed settings"),
        ("`--setting-sources`, `disableAllHooks` or `--bare` leaves user and project hooks out", "managed settings with `allowManagedHooksOnly`"),
        ("what was started in the background goes on, and reading its output is not decided again", "the command was decided when it began"),
        ("MCP servers and their resources run outside the client's sandbox", "`call` rules, and `allowedMcpServers` in managed settings"),
    ),
    "codex": (
        ("a hook of the user's that nobody has trusted is skipped without a word", "the managed scope: `policy hook install codex --scope managed`"),
        ("any failure of the hook lets the call pass (exit 1, a time-out, a missing program)", "the command ends in `|| exit 2`, the hook gives up after 2 s"),
        ("`write_stdin` has no hook: what is typed into a running program is not decided", "grant no interactive shells or interpreters; `bash` alone is opaque and denied"),
        ("`web_search` runs at the model's provider, without a hook", "switch it off in managed settings (`web_search`)"),
        ("the shell that a command runs in is the agent's choice and not told", "scripts are decided as bash and as sh; grant neither zsh nor others by path"),
        ("sub-agents and code mode call tools on their own", "`do` rules for `codex.*` tools, which are denied unless granted"),
    ),
    "gemini": (
        ("an exit code other than 0 and 2, or a time-out, only warns", "the command ends in `|| exit 2`, the hook gives up after 2 s"),
        ("an untrusted folder's settings are ignored, or a trusted one's switch hooks off", "the managed scope (`/etc/gemini-cli/settings.json`)"),
        ("`GEMINI_CLI_SYSTEM_SETTINGS_PATH` in its environment names other system settings", "start it by a wrapper that unsets it"),
        ("extensions and MCP servers are programs of their own", "`call` rules, and `mcp.allowed` in system settings"),
    ),
    "copilot": (
        ("hooks of a repository are only there when it is the working folder", "start it there, and keep the file under review"),
        ("a time-out lets the call pass", "the hook gives up after 2 s, the client after 10 s"),
    ),
    "cursor": (
        ("edits are told after they are made (`afterFileEdit`); versions before `preToolUse` cannot stop them", "a version with `preToolUse`, and a sandbox"),
        ("without `failClosed` a fault of the hook lets the call pass; older versions do not know it", "the command ends in `|| exit 2`"),
    ),
}  # fmt: skip
