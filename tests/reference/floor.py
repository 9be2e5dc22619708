"""The protected floor: part of the judge."""

ANYWHERE = "{**,~/**,/**}/"
HOMES = "{~,/root,/home/*,/Users/*}/"
KEPT = [  # neither written nor deleted
    *(ANYWHERE + text for text in (".git/hooks/", ".git/modules/**/hooks/", ".git/{config,config.worktree}", ".git", "*.plc", ".github/hooks/")),
    *(ANYWHERE + text for text in (".git/modules/**/config", ".git/worktrees/*/{config.worktree,commondir}", ".git/{commondir,modules/**/commondir}")),
    *(ANYWHERE + text for text in (".{claude,codex,gemini,cursor,copilot,opencode,qwen}/", ".{config,cache,local/state,local/share}/opencode/", ".config/goose/", ".agents/{plugins/,hooks.json}", "{.mcp.json,.claude.json,opencode.json,opencode.jsonc}")),
    *(HOMES + text for text in (".{bashrc,bash_profile,bash_login,bash_logout,bash_aliases,profile}", ".config/fish/")),
    HOMES + ".{zshrc,zshenv,zprofile,zlogin,zlogout,kshrc,cshrc,tcshrc,login,xprofile,xsessionrc}",
    "{~,/etc}/{.gitconfig,gitconfig}", "~/.config/git/", "/etc/{profile,bash.bashrc,bashrc,zshrc,zshenv,environment}",
    "/etc/{profile.d,zsh,fish}/", "/etc/{claude-code,codex,gemini-cli,cursor,github-copilot,opencode,qwen-code}/", "/{etc,run,var/run,var/lib}/policy_lang/",
    "/{run,var/run}/user/*/policy_lang/", ANYWHERE + "{serve.toml,allowed_signers,allowed-signers}", ANYWHERE + "approvals.{db,db-wal,db-shm,db.mark}",
    ANYWHERE + "{site,dist}-packages/policy_lang{,-*.dist-info}/", HOMES + ".local/{bin/policy,{,share/}pipx/venvs/policy-lang/,share/uv/tools/policy-lang/,lib/python*/site-packages/{*.pth,{site,user}customize*/}}", HOMES + ".{config,cache,local/state,local/share}/policy_lang/",
]  # fmt: skip
UNWRITTEN = [  # not written
    *(ANYWHERE + text for text in (".git/{objects,refs}/", ".git/{index,packed-refs}", ".git/{rebase-merge,rebase-apply,sequencer}/")),
    *(ANYWHERE + text for text in ("HEAD", "*.git/config", "*.git/hooks/")),
]  # fmt: skip
INSIDE = [ANYWHERE + ".git/"]  # neither, behind walls
