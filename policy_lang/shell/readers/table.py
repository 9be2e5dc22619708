"""Readers of programs' words by the names that profiles use; a module is loaded when a command first needs it."""

from __future__ import annotations

from collections.abc import Callable

from ..call import ProgramCall
from ..profile import Parsed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..host import ProgramHost

Reader = Callable[["ProgramHost", ProgramCall, Parsed], bool]
"""Records what a program's words do. True when it has dealt with the operands."""

READERS = {
    "search": "search.search", "git-push": "git.push", "git-config": "git.config", "git-remote": "git.remote",
    "git-fetch": "git.fetch", "git-branch": "git.branch", "git-tag": "git.tag", "git-update-ref": "git.update_ref",
    "git-filter-branch": "git.filter_branch", "hub": "git.hub", "host-release": "git.host_release",
    "host-repository": "git.host_repository", "jj-push": "git.jj_push", "jj-bookmark": "git.jj_bookmark", "git-submodule": "git.submodule",
    "git-checkout": "git_tree.checkout", "git-switch": "git_tree.switch", "git-restore": "git_tree.restore",
    "git-reset": "git_tree.reset", "git-stash": "git_tree.stash", "git-clean": "git_tree.clean",
    "git-changes": "git_tree.changes", "git-sparse": "git_tree.sparse", "git-bisect": "git_tree.bisect",
    "git-worktree": "git_tree.worktree", "git-add": "git_tree.add", "git-commit": "git_tree.commit",
    "git-show": "git_tree.show", "git-blame": "git_tree.blame", "git-grep": "git_tree.grep",
    "git-archive": "git_tree.archive", "git-init": "git_tree.init", "git-clone": "git_tree.clone", "git-apply": "git_tree.apply", "tar": "archives.tar",
    "unzip": "archives.unzip", "sed": "text.sed", "awk": "text.awk", "dd": "text.dd", "patch": "text.patch",
    "apply-patch": "text.apply_patch", "jq": "text.jq", "print-env": "text.print_env", "shell": "wrappers.inner_shell",
    "shell-words": "wrappers.shell_words", "start-stop-daemon": "wrappers.start_stop_daemon", "tmux": "wrappers.tmux", "dotenv": "wrappers.dotenv", "mktemp": "files.mktemp", "getent": "services.getent", "telnet": "services.telnet", "compiler": "build.compiler", "rustc": "build.rustc", "linker": "build.linker", "cargo-fmt": "build.cargo_fmt", "javac": "build.javac", "jar": "build.jar", "ar": "build.ar", "rewrite": "build.rewrite", "rewrite-all": "build.rewrite_all", "cloud": "clouds.cloud", "terraform": "clouds.terraform", "flock": "wrappers.flock", "runuser": "wrappers.runuser", "parallel": "wrappers.parallel",
    "env": "wrappers.env", "sudo": "wrappers.sudo", "xargs": "wrappers.xargs", "command": "wrappers.command", "package-runner": "wrappers.package_runner",
    "watch": "wrappers.watch", "find": "find.find", "psql": "services.psql", "mysql": "services.mysql",
    "redis": "services.redis", "nc": "services.nc", "compress": "services.compress", "copy": "files.copy",
    "curl": "network.curl", "wget": "network.wget", "interpreter": "interpreters.interpreter",
    "deno-run": "interpreters.deno_run",
    "split": "converters.split", "dos2unix": "converters.dos2unix", "out-options": "converters.out_options", "magick": "converters.magick", "magick-all": "converters.magick_all", "all-read": "converters.all_read", "yq": "text.yq", "editor": "text.editor", "ffmpeg": "converters.ffmpeg", "pdf": "converters.pdf", "gpg": "converters.gpg", "openssl": "converters.openssl", "xmlstarlet": "converters.xmlstarlet", "protoc": "converters.protoc", "downloads": "converters.downloads", "httpie": "converters.httpie", "sass": "converters.sass", "socat": "converters.socat",
}  # fmt: skip
"""The module and function of each reader."""
_loaded: dict[str, Reader] = {}


def find_reader(name: str) -> Reader:
    """The reader of a name. Raises KeyError for one that is not there."""
    found = _loaded.get(name)
    if found is None:
        from importlib import import_module

        module, _, function = READERS[name].partition(".")
        found = _loaded[name] = getattr(import_module(f".{module}", __package__), function)
    return found
