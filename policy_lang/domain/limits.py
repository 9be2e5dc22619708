"""Every limit in one table: name, value, reason. Input controls nothing that is not bounded here.

`docs/reference/limits.md` is generated from `TABLE`. What refuses input is tested at its value and one above.
"""

from __future__ import annotations


class Limit:
    """One bound: what is counted, the largest accepted value, and why it is that value."""

    __slots__ = ("name", "reason", "unit", "value")

    def __init__(self, name: str, value: int, unit: str, reason: str) -> None:
        self.name = name
        self.value = value
        self.unit = unit
        self.reason = reason


TABLE: tuple[Limit, ...] = (
    Limit("source_bytes", 1 << 20, "bytes", "a policy file that a person reviews is far below 1 MiB"),
    Limit("source_files", 64, "files", "files of one policy set, imports and ceilings together"),
    Limit("compiled_bytes", 64 << 20, "bytes", "a compiled policy of 100,000 rules has 10 MiB"),
    Limit("statements", 200_000, "statements", "twice the largest measured workload (100,000 rules)"),
    Limit("scope_nesting", 16, "levels", "deeper scopes cannot be read; keeps every walk shallow"),
    Limit("condition_nesting", 32, "levels", "parentheses and `not`; keeps recursion shallow"),
    Limit("condition_atoms", 64, "comparisons", "comparisons in one condition"),
    Limit("diagnostics", 100, "reports", "after that many mistakes the rest is counted, not listed"),
    Limit("pattern_bytes", 4096, "bytes", "as long as the longest path (PATH_MAX)"),
    Limit("pattern_alternatives", 256, "alternatives", "what `{a,b}` may expand to in one pattern"),
    Limit("ranked_permissions", 500, "permissions", "of a client's files, each compared with all; people have 200"),
    Limit("inner_double_stars", 2, "`**`", "measured: 1,000 rules with 7 each cost up to 27 ms a decision"),
    Limit("client_permissions", 1_000, "permissions", "of a client's files together; published ones have up to 400"),
    Limit("client_rule_spellings", 64, "commands", "written out for one rule where braces cannot hold its words"),
    Limit("client_rule_words", 64, "words", "of one rule of a client; no command that people name is longer"),
    Limit("client_reason_characters", 400, "characters", "of a client's reason that are taken over"),
    Limit("ranked_exceptions", 200, "patterns", "of one `except`; of more a rule holds for all of them"),
    Limit("example_rounds", 4, "rounds", "in which examples that do not hold are left out; then all are"),
    Limit("regex_globs", 64, "globs", "that a client's regular expression may come to"),
    Limit("regex_characters", 2_000, "characters", "of such an expression; of a longer one nothing is said"),
    Limit("client_script_depth", 3, "levels", "of a shell in a shell that a client's model follows"),
    Limit("globs_kept", 4_096, "globs", "of clients that are kept read; on overflow the oldest is read anew"),
    Limit("globs_compared", 1_000_000, "characters", "of a glob times another's; beyond it they are taken to meet"),
    Limit(
        "glob_readings", 16, "patterns", "of a client's glob over text: four stars inside words, each read in two ways"
    ),
    Limit("segment_wildcards", 16, "wildcards", "`*`, `?`, `[...]` in one segment"),
    Limit("argument_steps", 8, "names", "between the dots of one `arg.a.b.c`; tools nest three or four deep"),
    Limit("argument_text", 4_096, "characters", "of an argument that is compared; longer ones are prose and no names"),
    Limit("argument_choices", 256, "choices", "of members of a call's lists, each decided; more are not known"),
    Limit("arguments_bytes", 65_536, "bytes", "of a call's arguments, without long texts; of more nothing is known"),
    Limit(
        "argument_number", 1 << 53, "in size", "of an argument that is compared: larger ones differ between programs"
    ),
    Limit("context_attributes", 64, "attributes", "declared attributes of one policy set"),
    Limit("enum_members", 256, "members", "members of one enumeration"),
    Limit("freeze_denials", 1000, "denials", "what one `freeze` may count; a person would have acted long before"),
    Limit(
        "freeze_seconds", 30 * 86_400, "seconds", "in which one `freeze` counts denials; a policy changes in a month"
    ),
    Limit("tier_expiry_seconds", 30 * 86_400, "seconds", "in which people may answer a ticket; nobody waits a month"),
    Limit("quorum", 100, "people", "who must approve one ticket; larger bodies vote elsewhere"),
    Limit("path_bytes", 4096, "bytes", "PATH_MAX on Linux (limits.h)"),
    Limit("path_segment_bytes", 255, "bytes", "NAME_MAX on Linux (limits.h)"),
    Limit("path_segments", 256, "segments", "bounds the walk; real paths are below 40"),
    Limit("symlinks", 40, "links", "MAXSYMLINKS on Linux; path_resolution(7)"),
    Limit("host_bytes", 253, "bytes", "RFC 1035 section 3.1, without the trailing dot"),
    Limit("host_label_bytes", 63, "bytes", "RFC 1035 section 2.3.4"),
    Limit("url_bytes", 8192, "bytes", "what common servers accept as a request line"),
    Limit("ref_bytes", 1024, "bytes", "a ref is a path below .git; git itself stops earlier on most disks"),
    Limit("name_bytes", 256, "bytes", "tool, secret, variable and operation names"),
    Limit("integer_digits", 18, "digits", "of an integer in a request or a policy; all of them fit into 64 bits"),
    Limit("json_depth", 64, "levels", "of any JSON that is read; keeps what reads it shallow"),
    Limit("script_bytes", 64 * 1024, "bytes", "a command that an agent writes; deterministic reading time"),
    Limit("script_nesting", 24, "levels", "real scripts stay below 8; keeps every walk shallow"),
    Limit("script_steps", 20_000, "steps", "commands followed, loops and functions unrolled; beyond it opaque"),
    Limit("script_effects", 2_000, "effects", "effects of one script; beyond it opaque"),
    Limit(
        "supposed_words", 256, "words", "of one command that no profile explains; beyond it opaque to what restricts"
    ),
    Limit("supposed_pieces", 32, "parts", "of one such word, between `=`, `:`, `,` and `@`; beyond it the same"),
    Limit("script_fields", 4_096, "words", "what braces and variables of one command may expand to"),
    Limit("script_folders", 4, "folders", "in which one command of a script may run; with more it may be any"),
    Limit("script_parts", 256, "parts", "known and unknown ones of one value; with more nothing of it is known"),
    Limit("script_rounds", 4, "rounds", "of a loop that are followed; then all that it may change is unknown"),
    Limit("followed_files", 16, "files", "of a project whose code one command runs; others are not looked at"),
    Limit("followed_bytes", 256 * 1024, "bytes", "of one such file; a larger one is not looked at"),
    Limit(
        "followed_scripts", 128, "scripts", "that one command runs from such files: package scripts, lines of recipes"
    ),
    Limit("followed_folders", 16, "folders", "one above another, in which a package.json or a justfile is looked for"),
    Limit(
        "followed_words", 512, "words", "of such code that no profile explains; what more of them may mean is not tried"
    ),
    Limit("followed_depth", 6, "levels", "of files that run the code of others"),
    Limit("recipe_nesting", 4, "levels", "of variables within variables of a Makefile; what lies deeper is not known"),
    Limit("recipe_values", 256, "variables", "that one line of a Makefile may expand; further ones are not known"),
    Limit("script_unrolled", 64, "values", "of one `for` that are followed one by one; more are followed as one"),
    Limit("profile_bytes", 256 * 1024, "bytes", "a program's profile; the longest built-in one has 21 KiB"),
    Limit(
        "command_readings", 256, "readings", "of one pattern or command whose options no profile knows; more may be any"
    ),
    Limit("find_names", 16, "names", "that one expression of find asks for; with more it counts as any name"),
    Limit("argv_words", 4096, "words", "the longest commands that builds make"),
    Limit("argv_bytes", 128 * 1024, "bytes", "one argument's limit on Linux (MAX_ARG_STRLEN)"),
    Limit("resolved_addresses", 64, "addresses", "the answers of DNS for one name"),
    Limit("request_bytes", 1 << 20, "bytes", "one request object, its script included"),
    Limit("request_values", 20_000, "values", "in the JSON of a call; reading more would keep others waiting"),
    Limit("request_depth", 16, "levels", "a request needs three levels"),
    Limit("request_context", 64, "attributes", "as many as a policy may declare"),
    Limit("request_lines", 5_000_000, "lines", "requests of one file"),
    Limit("batch_requests", 100, "requests", "questions of one call; more would keep others waiting"),
    Limit("body_bytes", 4 << 20, "bytes", "the body of a call; what is longer is not even read"),
    Limit(
        "batch_bytes", 1 << 20, "bytes", "a call with many questions; reading a longer one would keep others waiting"
    ),
    Limit("http_head_bytes", 8192, "bytes", "request line and headers; ours have some 300"),
    Limit("http_headers", 64, "headers", "headers of one call; ours have six"),
    Limit("connections", 512, "connections", "open connections of the service, so that files for others remain"),
    Limit("connections_per_peer", 64, "connections", "of one user; a harness keeps a few"),
    Limit("request_seconds", 1, "seconds", "from a call's first byte to its last; a local caller needs a millisecond"),
    Limit("idle_seconds", 300, "seconds", "a connection that asks nothing; a harness pauses between tool calls"),
    Limit("drain_seconds", 2, "seconds", "for a stopping service to finish what it has begun"),
    Limit("turn_milliseconds", 2, "milliseconds", "of answers before the loop looks for other users' calls"),
    Limit("quick_decision_milliseconds", 50, "milliseconds", "of work on commands of one call; longer ones go aside"),
    Limit(
        "long_decision_milliseconds", 1_000, "milliseconds", "of work on such a call; then denied. Hooks wait for 2 s"
    ),
    Limit(
        "decision_wait_milliseconds", 1_500, "milliseconds", "for a command's turn; then denied, as its hook gives up"
    ),
    Limit("decision_aside_seconds", 2, "seconds", "in which a user's commands go aside after one that took longer"),
    Limit(
        "quick_decisions_waiting", 64, "calls", "of one user that wait for their turn; as many as it has connections"
    ),
    Limit("long_decisions_waiting", 16, "calls", "of one user that wait aside; the last would wait too long"),
    Limit("deciders", 2, "processes", "that decide commands, and as many for long ones; each has 30 to 60 MB"),
    Limit("deciders_configured", 64, "processes", "of either kind; a large machine's cores"),
    Limit("decision_milliseconds_configured", 60_000, "milliseconds", "of work on one call, where nobody waits for it"),
    Limit("decider_bytes", 2 << 30, "bytes", "of memory of a decider; a policy of 100,000 rules takes 200 MB"),
    Limit(
        "decider_answer_bytes",
        1 << 20,
        "bytes",
        "of a decider's answer; 2,000 ordinary effects have 350 KB. A longer one is denied",
    ),
    Limit("decider_start_seconds", 30, "seconds", "for deciders to read a policy; 100,000 rules take a second"),
    Limit("config_bytes", 64 * 1024, "bytes", "the service's configuration, or a file of keys"),
    Limit("token_bytes", 1024, "bytes", "a file with a token; `openssl rand -hex 32` writes 65"),
    Limit("sessions", 4096, "sessions", "open at once; a machine runs some dozens"),
    Limit("session_idle", 12 * 3600, "seconds", "without a decision, after which a session has ended"),
    Limit("frozen", 1024, "principals", "frozen at once; one more is a person's mistake or an attack"),
    Limit("escalations", 16, "questions", "open ones of one agent; a person reads them"),
    Limit("escalation_bytes", 2000, "bytes", "a question to a person"),
    Limit("log_secrets", 64, "secrets", "different ones that are looked for everywhere in one record"),
    Limit("log_record_bytes", 1 << 20, "bytes", "one record; what does not fit is cut, and says so"),
    Limit("log_effects", 100, "effects", "of one decision that a record has, deciding ones first; a replay finds all"),
    Limit("decision_reasons", 50, "reasons", "of a denied command, one for each of its effects; of more their number"),
    Limit("git_remotes", 64, "remotes", "of one repository; people have two or three"),
    Limit("log_segment_bytes", 64 << 20, "bytes", "one file of the log, by default; some 60,000 records"),
    Limit("log_segment_seconds", 86_400, "seconds", "for which one file of the log is written, by default"),
    Limit("log_wait_milliseconds", 500, "milliseconds", "for another writer of the log; then the decision is a denial"),
    Limit("log_look_back_bytes", 256 << 20, "bytes", "of the newest records, for the last count of approvals' changes"),
    Limit("log_disk_entries", 500, "names", "links and files of folders that one record notes, for replay"),
    Limit(
        "learn_values", 500_000, "values", "different ones that are learned from; more are reported, and not learned"
    ),
    Limit("approval_reason", 2_000, "characters", "a person's reason"),
    Limit(
        "approval_grant_seconds",
        900,
        "seconds",
        "in which an approval must be redeemed; what was right may not stay so",
    ),
    Limit("approval_session_seconds", 28_800, "seconds", "an approval of `scope session` holds; a working day"),
    Limit(
        "approval_kept_days",
        90,
        "days",
        "a ticket that is over is kept; one that an emergency opened, until it is reviewed",
    ),
    Limit("approval_rejected_seconds", 3600, "seconds", "in which people are not asked again what they said no to"),
    Limit("store_milliseconds", 500, "milliseconds", "for one step of the store of tickets; others wait behind it"),
    Limit("signature_bytes", 4096, "bytes", "a signature as ssh-keygen writes it; RSA of 8,192 bits has 1,500"),
    Limit("sign_in_seconds", 60, "seconds", "for signing the text that proves who one is"),
    Limit("signed_in_seconds", 900, "seconds", "somebody who has signed may read tickets; each answer is signed anew"),
    Limit("signed_in", 64, "people", "signed in, or about to, at once"),
    Limit("approval_stats", 2_000, "tickets", "the latest that statistics are made of"),
    Limit("console_sessions", 32, "people", "signed in to the console at once, and links that were not used yet"),
    Limit("console_link_seconds", 120, "seconds", "for opening a link that signs in; it is good once"),
    Limit("console_session_seconds", 28_800, "seconds", "after which a person signs in to the console again"),
    Limit("console_idle_seconds", 3_600, "seconds", "without a page, after which a person signs in again"),
    Limit("person_keys", 8, "keys", "of one person; one at hand, some in drawers"),
    Limit("key_characters", 2_048, "characters", "of a key in the configuration; usual ones have 150 to 700"),
    Limit("console_connection_seconds", 15, "seconds", "a browser's connection that asks nothing; it makes another"),
    Limit("console_body_bytes", 16_384, "bytes", "a form of the console: a reason, and some names"),
    Limit("ticket_bytes", 262_144, "bytes", "what people are asked about at once; nobody reads more"),
    Limit(
        "content_bytes",
        131_072,
        "bytes",
        "of what a tool writes that people are shown; of longer texts size and digest",
    ),
    Limit("content_edits", 1_000, "edits", "of one call of a tool; a person reads them"),
    Limit("content_lines", 200, "lines", "of such content that are shown at once; the others are folded"),
    Limit(
        "diff_lines", 120, "lines", "that are compared with as many; 50 ms at worst, and more stand one below another"
    ),
    Limit(
        "bound_files",
        64,
        "files",
        "that one command runs or sends whose contents an approval is bound to; of more, sizes and times are bound",
    ),
    Limit("bound_names", 16_384, "names", "of files in one command that people are asked about"),
    Limit(
        "bound_bytes", 32 << 20, "bytes", "of such files that are read; of larger ones inode, size and times are bound"
    ),
    Limit("approvals_pending", 20, "tickets", "an agent may have open at once; people read them"),
    Limit("approvals_waiting", 64, "calls", "of agents that wait for a person's answer at once"),
    Limit("people_waiting", 64, "calls", "of people that wait for an answer, or for their signature to be looked at"),
    Limit("waiting_per_peer", 32, "calls", "of one user among those that wait; more than it has questions open"),
    Limit("approval_wait_seconds", 60, "seconds", "one call may wait for an answer"),
    Limit("notify_seconds", 10, "seconds", "for the program that tells people of a ticket"),
    Limit("notify_waiting", 100, "tickets", "that wait for a notification of people; more are counted, and not sent"),
    Limit("hook_input_bytes", 8 << 20, "bytes", "a call as its hook gets it; clients send whole files with a write"),
    Limit("hook_seconds", 2, "seconds", "a hook answers in, by default; clients wait 5 at least"),
    Limit("hook_host_seconds", 10, "seconds", "that a client waits for its hook, whose own alarm comes long before"),
    Limit("hook_timeout_seconds", 60, "seconds", "`--timeout`; the hook must end before its client gives up on it"),
    Limit("hook_wait_seconds", 540, "seconds", "`--wait`; clients give up after 600, and then let the call pass"),
    Limit("hook_origin_characters", 256, "characters", "of each name that a client tells; longer ones are cut"),
    Limit("reply_bytes", 16 << 20, "bytes", "a reply of the service; 100 decisions with many effects stay far below"),
    Limit("reply_head_bytes", 16 << 10, "bytes", "the head of the service's reply; ours have some 100"),
    Limit("mcp_line_bytes", 8 << 20, "bytes", "one message over MCP, which may hold a hook's input"),
    Limit("ship_batch", 512, "records", "sent to a collector of telemetry at once; all that is held in memory"),
    Limit("ship_answer_bytes", 1 << 16, "bytes", "read of a collector's answer"),
    Limit("log_unsigned", 1_000, "records", "between two signed checkpoints"),
    Limit("dfa_states", 20_000, "states", "cached automaton states; on overflow the cache starts anew"),
    Limit("memo_entries", 16_384, "entries", "cached classes and verdicts; on overflow the cache starts anew"),
    Limit("answers", 8_192, "entries", "remembered answers; a session asks for far fewer different things"),
    Limit(
        "remembered_text", 2_000, "characters", "longer resources are decided anew each time; keeps 8,192 answers small"
    ),
    Limit("remembered_effects", 64, "effects", "a command with more is decided anew each time"),
    Limit("unknown_segments_per_state", 64, "entries", "keeps hostile unique names from filling a state"),
    Limit("search_work", 20_000_000, "steps", "exact set algebra, some seconds; beyond it `undecided`, never a pass"),
    Limit(
        "condition_cases",
        400_000,
        "comparisons",
        "in cases of conditions, for one kind of answer; half a second, then `undecided`",
    ),
    Limit("names_tried", 4_000, "names", "that a search for one which shows something looks at; some 20 ms"),
    Limit("names_depth", 5, "folders", "below which such a search looks for no name; patterns seldom need more"),
    Limit(
        "export_rounds", 8, "rounds", "in which what a client's file would grant too much is taken out; two are usual"
    ),
    Limit("walls_attempts", 400, "attempts", "to verify walls with; a policy of fifty rules makes some 60"),
    Limit(
        "walls_seconds",
        5,
        "seconds",
        "that bubblewrap has to show that it works, a way out to answer when it is tried, and walls to come down",
    ),
    Limit("walls_reply_bytes", 1 << 20, "bytes", "of what the process inside answers at once"),
    Limit("walls_wait_seconds", 3600, "seconds", "that a call may wait for people; the process waits with it"),
    Limit("walls_waiting", 64, "calls", "that wait behind the walls for people or other processes; each has a thread"),
    Limit("walls_sockets", 256, "sockets", "bound behind the walls that are known at once; each has a descriptor"),
    Limit("install_settings_bytes", 1 << 20, "bytes", "of a client's settings into which a hook is written"),
    Limit("walls_settings_bytes", 1 << 20, "bytes", "of a client's settings; in a longer file no hook is looked for"),
    Limit("walls_copy_bytes", 1 << 18, "bytes", "of a file of the system's that is copied; a larger one is mounted"),
    Limit("walls_files", 200_000, "files", "looked at to build walls; some 0.6 s"),
    Limit("walls_masks", 2_000, "files and folders", "covered one by one; measured with bubblewrap 0.8"),
    Limit("export_entries", 2_000, "files and folders", "in another sandbox's settings; bubblewrap takes 9,000 words"),
    Limit("export_rulesets", 75, "rulesets", "written for GitHub, which takes no more for one repository"),
    Limit(
        "walls_message_bytes",
        64 << 20,
        "bytes",
        "what the launcher tells the process inside; a plan of 100,000 files has 10 MiB",
    ),
    Limit("tree_files", 20_000, "files", "looked at for one command that reads or deletes a folder; some 0.1 s"),
    Limit(
        "git_index_bytes", 32 << 20, "bytes", "of an index, which names what git tracks; of 100,000 files it has 10 MB"
    ),
    Limit(
        "git_objects", 20_000, "objects", "of a repository that a decision reads, to see what a checkout would bring"
    ),
    Limit("git_object_bytes", 1 << 22, "bytes", "of one object: a tree of 100,000 names has 4 MB"),
    Limit("git_delta_depth", 250, "steps", "of a chain of differences in a pack, five times what git makes"),
    Limit("git_pack_index_bytes", 1 << 26, "bytes", "of all indexes of packs: 2 million objects"),
    Limit("git_refs_bytes", 1 << 22, "bytes", "of packed refs, or of the log of a ref: 60,000 lines"),
    Limit("git_moved_files", 20_000, "files", "that differ between commits; with more, all that are tracked count"),
    Limit("git_walked_commits", 2_000, "commits", "that are walked to find what a rebase replays"),
    Limit("git_hashed_bytes", 1 << 22, "bytes", "of a protected file that is compared with git's own"),
    Limit("place_links", 40, "links", "on the way to a file that is trusted, as many as Linux follows"),
    Limit("git_link_bytes", 4096, "bytes", "of a `.git` that says where the repository lies: a path"),
    Limit("git_config_bytes", 1 << 18, "bytes", "of a file of git's configuration, and of a `HEAD`"),
    Limit("git_config_files", 16, "files", "of git's configuration, with what they include"),
    Limit("git_folders", 64, "folders", "from a workspace upwards in which its repository is looked for"),
    Limit("ignore_bytes", 1 << 16, "bytes", "of an ignore file; a longer one leaves nothing out"),
    Limit("search_globs", 64, "names", "in the globs of one search; of more all files count"),
    Limit("search_names_left_out", 4, "names", "in the advice on a search; of more it is said to search elsewhere"),
    Limit("ignore_names", 32, "names", "along one line of a `.gitignore`; a longer one leaves nothing out"),
    Limit("decision_work", 400_000, "steps", "a partly known resource, at most about 0.2 s; beyond it denied"),
    Limit(
        "starter_bytes",
        32 << 20,
        "bytes",
        "of a file that tells about a repository; a lock file of a large monorepo is about 3 MB",
    ),
    Limit(
        "usage_values", 20_000, "values", "of one rule that are distinguished; a rule with more gets no smaller pattern"
    ),
    Limit("usage_tries", 40, "rules", "for which smaller patterns are tried by a replay"),
    Limit(
        "replay_answers", 50_000, "questions", "whose answers a worker of a replay keeps; on overflow it starts anew"
    ),
    Limit("ship_metrics_seconds", 10, "seconds", "for a collector to take the counts"),
    Limit("ship_seconds", 30, "seconds", "for one export with all of the exporter's own tries; then it is tried anew"),
    Limit("ship_pause_seconds", 60, "seconds", "between two tries to reach a collector"),
    Limit("stats_names", 10_000, "names", "of one kind that statistics count; the others are counted together"),
    Limit("learn_exact", 400, "values", "that a draft takes literally because a wider pattern was refused"),
    Limit("learn_rounds", 12, "drafts", "that learning corrects before it gives up"),
    Limit("learn_sessions", 1_000, "sessions", "that are distinguished as evidence; more make nothing surer"),
    Limit("git_seconds", 30, "seconds", "for git to hand out the files of a revision"),
    Limit(
        "log_secret_words",
        20_000,
        "words",
        "of commands in one text that are looked at for secrets; what follows is replaced",
    ),
    Limit(
        "log_secret_programs",
        8,
        "words",
        "of one command that may be programs with secrets of their own; `sudo env docker` are three",
    ),
    Limit("log_secret_names", 4_096, "names", "whose verdict is remembered: whether they are about a secret"),
    Limit("log_secret_spans", 512, "places", "in one text that may be secret; a text with more is replaced as a whole"),
    Limit("lint_agents", 60, "agents", "that one rule of the linter compares pair by pair"),
    Limit(
        "hook_accepted_arguments", 64, "arguments", "that one hook accepts unread; each is a hole that a person made"
    ),
    Limit("hook_search_folders", 64, "folders", "that one search of a tool names; each is decided"),
    Limit("hook_name_readings", 8, "readings", "of an MCP tool's name as server and tool; each is decided"),
    Limit("drift_shown", 50, "lines", "of new tools and arguments that `policy doctor` shows; more are no news"),
    Limit("gate_calls", 64, "calls", "that one gate of an SDK decides at once; further ones are denied"),
    Limit("hook_advice_characters", 600, "characters", "of the sentence that tells an agent what it can do instead"),
    Limit(
        "nearest_nodes", 3000, "nodes", "that are looked at for the nearest rule of a denial that is shown; some 10 ms"
    ),
    Limit("nearest_effects", 3, "effects", "of a denial that are shown with their nearest rule; nobody reads more"),
    Limit("nearest_segments", 24, "segments", "of a resource that its nearest rule is looked for by"),
    Limit("lint_answers", 100_000, "answers", "that the linter remembers; on overflow it starts anew"),
    Limit(
        "lint_principals",
        500,
        "conditions",
        "of grants for which the linter asks fixed requests; patterns are searched for all",
    ),
    Limit("condition_combinations", 4_096, "combinations", "of values tried for a condition; beyond it, it may hold"),
    Limit("condition_walkers", 4_096, "globs", "of conditions that are kept compiled; on overflow they start anew"),
    Limit("store_connect_seconds", 3, "seconds", "for PostgreSQL to take a connection"),
    Limit("store_listen_seconds", 5, "seconds", "of waiting for hints before the connection is looked after"),
    Limit(
        "approvals_an_hour",
        6,
        "times",
        "as many tickets in an hour as may be open; who withdraws and asks again floods nobody",
    ),
    Limit(
        "approvals_of_user_an_hour",
        360,
        "tickets",
        "of all agents of a user, as three agents may ask; more names ask no more",
    ),
    Limit("query_tries", 16, "words", "of one rule that a query tries; beyond it `undecided`"),
    Limit("query_cuts", 200, "rules", "for which the restrictions that cut into them are looked for"),
    Limit("diff_whole", 20, "rows", "of a difference for which it is looked whether all of a pattern differs"),
    Limit("diff_rules", 500, "rules", "about one action; with more that would cost more than the difference itself"),
    Limit("diff_tries", 32, "words", "of one rule that a difference tries; beyond it `undecided`"),
    Limit("prove_tries", 64, "words", "that a proof tries for a counterexample; beyond it `undecided`"),
    Limit(
        "sampled_requests",
        100,
        "requests",
        "that are decided before anything is said of all of them; tens of milliseconds",
    ),
    Limit("analysed_commands", 8_192, "commands", "remembered with how their profiles read them, for all questions"),
    Limit("explored_commands", 1_200, "commands", "that are decided where a search could not; beyond it `undecided`"),
    Limit(
        "sampled_facts",
        30,
        "facts",
        "about commands that are tried on requests; further ones stand on the search alone",
    ),
    Limit("sampled_cases", 12, "cases", "of principal and context in which each of these requests is decided"),
    Limit("sampled_names", 8, "names", "of options of one kind, or of operands, that are each tried in such commands"),
    Limit("fact_reason_rules", 40, "rules", "of which each is tried as the one reason of such a fact"),
    Limit("fact_reasons", 60, "facts", "for which the rules behind them are looked for; the others stand without"),
    Limit(
        "compiled_depth",
        64,
        "levels",
        "of a value in a compiled policy; conditions nest 32 deep and take two levels each",
    ),
    Limit("compiled_found", 4_096, "entries", "of a compiled policy that are kept read; on overflow they start anew"),
    Limit("call_seconds", 5, "seconds", "for the service to answer a command of a person"),
    Limit("request_name", 256, "characters", "names in a request, the service's calls and its configuration"),
    Limit("request_text", 4_096, "characters", "paths and other texts in a request or a call; PATH_MAX on Linux"),
    Limit("client_seconds", 2, "seconds", "for the service to answer a Python program, by default"),
    Limit("signature_seconds", 5, "seconds", "for `ssh-keygen` to verify one signature; it takes milliseconds"),
    Limit("signer_name", 128, "characters", "an identity in an allowed-signers file"),
    Limit("config_address", 2_048, "characters", "an address in the service's configuration"),
    Limit("notify_words", 64, "words", "of the command that tells people of a ticket"),
    Limit("notify_at_once", 4, "events", "that are notified at once; others wait in order"),
    Limit("compile_seconds", 60, "seconds", "far beyond what a policy of 100,000 rules takes; the last good one stays"),
    Limit("compile_report", 2_000, "characters", "of what is wrong with a policy, in the log and in answers"),
    Limit("strangers", 1_024, "users", "without business here whose last try is remembered, to tell each seldom"),
    Limit(
        "witness_patterns", 200, "patterns", "of grants that witnesses take words from; the first ones serve as well"
    ),
    Limit("formula_texts", 16_384, "entries", "conditions kept as text; on overflow the oldest is made anew"),
    Limit(
        "member_words", 4_096, "entries", "resources of witnesses kept as words; on overflow the oldest is made anew"
    ),
    Limit("segment_answers", 16_384, "entries", "kept answers about globs; on overflow the oldest is found anew"),
    Limit("segment_choices", 512, "entries", "kept choices of a search; on overflow the oldest is found anew"),
    Limit("segment_choice_labels", 2_000, "labels", "choices among more are not kept: 512 of these take 70 MB"),
    Limit("lint_finders", 64, "entries", "sets of patterns kept compiled by the linter's pages and messages"),
    Limit(
        "glob_masks",
        512,
        "characters",
        "kept for one glob, which texts of a few scripts stay below; others are computed",
    ),
    Limit("ticket_grace_seconds", 60, "seconds", "for another service to see that one of its tickets is over"),
    Limit("tickets_found", 100, "tickets", "of one search for them, unless more are asked for; people read them"),
    Limit("proposal_bytes", 2_000, "bytes", "of the rules that an agent proposes; a person reads all of them"),
    Limit("proposal_rules", 4, "rules", "of one proposal; what one task needs"),
    Limit("proposal_purpose", 400, "characters", "an agent's own words for what a rule is for"),
    Limit("proposals_open", 3, "proposals", "of an agent, or of all agents of a user, that people have before them"),
    Limit("proposals_an_hour", 12, "times", "that an agent proposes, whatever comes of it; each costs seconds of work"),
    Limit("proposals_of_user_an_hour", 36, "times", "that agents of one user propose; more names ask no more"),
    Limit("proposal_open_seconds", 86_400, "seconds", "for people to answer a proposal"),
    Limit("proposal_rejected_seconds", 3_600, "seconds", "in which what was rejected is not proposed in other words"),
    Limit("proposal_witnesses", 12, "requests", "that a person is shown of what a proposal permits"),
    Limit("proposal_files", 20_000, "files", "tracked by git that are asked of both policies; of more the first ones"),
    Limit("within_bytes", 32 * 1024, "bytes", "of a policy for sub-agents that is compared with the agent's own"),
    Limit("withins_an_hour", 60, "times", "that an agent has a policy compared with its own; each costs seconds"),
    Limit("proposals_found", 100, "proposals", "of one search, and grants in force at once; people read them"),
    Limit("grant_once_seconds", 3_600, "seconds", "in which a call that a person let pass is made"),
    Limit("grant_session_seconds", 43_200, "seconds", "a rule granted for a session, where nobody tells of its end"),
    Limit("granted_policies", 16, "policies", "with granted rules that are kept compiled; on overflow compiled anew"),
    Limit("granted_again_seconds", 30, "seconds", "until a policy with granted rules is compiled once more"),
    Limit("weighing_seconds", 30, "seconds", "of work for all that is found out about a proposal; most take three"),
    Limit("weighing_wait_seconds", 60, "seconds", "for that work, on a machine that has other work as well"),
    Limit("weighing_bytes", 2 << 30, "bytes", "of memory for it"),
    Limit("weighings_waiting", 8, "proposals", "that wait to be weighed; one is at a time"),
    Limit(
        "refusals_kept", 16, "calls", "of an agent that were denied and may be proposed for; the oldest is forgotten"
    ),
    Limit("refusal_agents", 128, "agents", "whose denials are kept; the one heard of longest ago is forgotten"),
    Limit("refusal_bytes", 16 * 1024, "bytes", "of a denied call that is kept; nobody judges a longer one"),
    Limit("tickets_shown", 50, "tickets", "the latest that the service lists"),
    Limit(
        "console_tickets", 20, "tickets", "the latest on the console's first page; the others have pages of their own"
    ),
    Limit(
        "ticket_search_characters", 4_000, "characters", "of a ticket that a search looks through; longer is not read"
    ),
    Limit("steps_kept", 8, "steps", "of an agent, the latest, kept for people who answer its next question"),
    Limit("steps_restored", 2_000, "decisions", "of the log, the latest, that a service that starts takes steps from"),
    Limit("steps_agents", 256, "agents", "whose latest steps are kept"),
    Limit("step_characters", 4_000, "characters", "of one step that are kept; a person is shown fewer"),
    Limit("step_shown", 300, "characters", "of one step that a ticket has"),
    Limit("ticket_origin_characters", 2_000, "characters", "of each thing that an agent says of its call, on a ticket"),
    Limit("ticket_comments", 100, "comments", "on one ticket; people who have more to say meet"),
    Limit("tickets_counted", 10_000, "tickets", "that a count goes to; nobody reads more"),
    Limit("console_page_tickets", 25, "tickets", "on one page of a search"),
    Limit("console_pages", 400, "pages", "of one search; a count of tickets goes no further"),
    Limit("console_query_bytes", 2_000, "bytes", "of a search, as its address has it"),
    Limit("console_search_words", 8, "words", "of one search for tickets; each must occur"),
    Limit("console_fields", 40, "fields", "of a form of the console: a page of tickets to choose from, and some more"),
    Limit("console_link_fields", 2, "fields", "of a link that signs in: its code, and a ticket to begin with"),
    Limit("collect_seconds", 900, "seconds", "without a full collection of garbage, however busy the service is"),
    Limit("anchor_seconds", 10, "seconds", "for a place outside the log to take a head; at the service's end too"),
    Limit("anchor_pause_seconds", 10, "seconds", "before a place that failed is tried again, and between two programs"),
    Limit("anchor_line_bytes", 4_096, "bytes", "of a line of an anchor's file; a head with what syslog adds has 400"),
    Limit("anchor_heads", 1_000_000, "heads", "of one anchor's file; two years of one a minute"),
    Limit("checkpoint_seconds", 60, "seconds", "after which what was added to the log is signed"),
    Limit("accepted_at_once", 16, "connections", "taken in a row before the others are served again"),
    Limit("request_id_bytes", 200, "bytes", "a caller's name of its call; a longer one is not sent back"),
    Limit("hook_poll_seconds", 30, "seconds", "for one call of a hook that waits for people; then it asks again"),
    Limit("doctor_seconds", 60, "seconds", "for a hook to answer `policy doctor`; it denies long before by itself"),
    Limit("rehearsal_seconds", 90, "seconds", "for a client to make the calls of a rehearsal; most take ten"),
    Limit("log_chain_bytes", 2_000, "bytes", "of a record that are left for what the chain adds"),
    Limit("work_chunk", 1_000, "records", "handed to a process at once; some milliseconds of work"),
    Limit("work_ahead", 4, "chunks", "read ahead for each process; keeps memory bounded"),
    Limit("work_block", 20_000, "records", "of one piece of work of a cluster; some seconds"),
    Limit("workers", 256, "processes", "that replay or learn at once; more than machines have cores"),
    Limit("ship_metrics_milliseconds", 15_000, "milliseconds", "between two exports of the counts"),
    Limit("starter_files", 50_000, "files", "of a repository that is looked at; its folders show long before"),
    Limit("starter_folders", 60, "folders", "at the top of a repository that a starter policy names"),
    Limit(
        "starter_names",
        80,
        "names",
        "of tasks, programs or branches that a starter policy names; more are not reviewed",
    ),
    Limit("starter_manifests", 40, "files", "of one kind, such as `package.json`, that are read"),
    Limit("starter_hosts", 40, "hosts", "of one file that a starter policy names; more are not reviewed"),
    Limit("suggest_stops", 2_000, "questions", "that were stopped and are looked at; nobody judges more at once"),
    Limit("suggest_record_bytes", 64 * 1024, "bytes", "of a record that is looked at; bounds what all of them take"),
    Limit("suggest_text", 1_000, "characters", "of what was stopped; what is longer nobody judges by looking at it"),
    Limit("suggest_effects", 12, "effects", "of one command, and one round, that may need a rule"),
    Limit("suggest_proposals", 20, "proposals", "that are verified and shown; each costs a comparison of two policies"),
    Limit("suggest_beyond", 4, "requests", "of one rule that are shown of what a proposal permits besides"),
    Limit("suggest_rounds", 8, "rounds", "of taking back what was too wide; then it is not proposed"),
    Limit("learn_evidence", 10_000, "occurrences", "`--evidence`; nothing is surer after more"),
    Limit("learn_names", 1024, "entries", "agents' names kept as checked; on overflow the oldest is checked anew"),
    Limit("watch_seconds", 604_800, "seconds", "`--timeout` of `policy approvals watch`; a week"),
    Limit("stats_days", 999, "days", "`--days`; tickets are kept for 90"),
    Limit("log_line_bytes", 4_000, "bytes", "of the service's own log; below PIPE_BUF (pipe(7)), so lines stay whole"),
    Limit(
        "egress_connections", 1_024, "connections", "through a wall's proxy at once; further ones wait for their turn"
    ),
    Limit(
        "egress_head_bytes", 32 * 1024, "bytes", "request line and headers of a foreign program; cookies are the most"
    ),
    Limit("egress_headers", 128, "headers", "of one such request; browsers send some 20"),
    Limit("egress_keep_seconds", 60, "seconds", "for a client's next request on a connection; servers give 5 to 75"),
    Limit("egress_head_seconds", 10, "seconds", "for a head, or the first words of TLS, from first byte to last"),
    Limit(
        "egress_hello_bytes", 16 * 1024, "bytes", "of the first words of TLS; with post-quantum keys they have 2 KiB"
    ),
    Limit(
        "egress_reply_head_bytes", 64 * 1024, "bytes", "heads of one reply, interim ones too; servers send up to 16 KiB"
    ),
    Limit(
        "egress_idle_seconds", 600, "seconds", "without a byte either way; a model that thinks is silent for minutes"
    ),
    Limit(
        "egress_buffer_bytes", 64 * 1024, "bytes", "held of a connection in each direction; more waits with its sender"
    ),
    Limit(
        "egress_lookups", 32, "lookups", "of names at once; a library that waits for a name server cannot be stopped"
    ),
    Limit(
        "egress_lookup_seconds",
        10,
        "seconds",
        "for the addresses of a name; resolvers try twice for 5 (resolv.conf(5))",
    ),
    Limit("egress_connect_seconds", 15, "seconds", "to reach a peer at one of its addresses"),
    Limit("egress_decision_seconds", 3_660, "seconds", "for a decision, in which people may be asked for an hour"),
    Limit("egress_linger_seconds", 2, "seconds", "for a peer to take the last words before its connection is closed"),
    Limit("push_refs", 1_000, "refs", "of one push that are decided; a mirror has more, and no agent keeps one"),
    Limit("pack_objects", 1_000_000, "objects", "of a push that are looked through for its commits: some seconds"),
    Limit("pack_bytes", 1 << 30, "bytes", "that these are together once inflated: again some seconds"),
    Limit("pack_commit_bytes", 256 * 1024, "bytes", "of a commit that is read; messages are shorter"),
    Limit("pack_commits_bytes", 64 << 20, "bytes", "of the commits of a push together: 100,000 and more"),
    Limit("receive_bytes", 1 << 20, "bytes", "that git tells a hook of a push: 1,000 refs have less"),
    Limit(
        "receive_git_seconds", 60, "seconds", "for git to say whether one commit holds another; large histories take 5"
    ),
    Limit("push_bytes", 128 * 1024 * 1024, "bytes", "of a push that is looked at before it goes on; memory holds it"),
    Limit(
        "interceptor_bytes", 2 << 30, "bytes", "of mitmproxy's address space; it begins with 230 MiB, and holds pushes"
    ),
    Limit("interceptor_seconds", 30, "seconds", "for mitmproxy to start; on a slow machine it takes 5"),
    Limit("credential_bytes", 16 * 1024, "characters", "of one credential; tokens that are signed have 4 KiB"),
    Limit(
        "credential_least", 12, "characters", "of a credential that are secret: fewer might stand for something else"
    ),
    Limit("egress_reason_characters", 1_000, "characters", "of the reason on the page of a refusal"),
)

_BY_NAME = {limit.name: limit.value for limit in TABLE}


def limit(name: str) -> int:
    """The value of the limit `name`. Raises KeyError for a name that is not in the table."""
    return _BY_NAME[name]
