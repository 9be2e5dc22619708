"""Every error code with its page: what it means, what to do, an example that shows it and one that does not.

`PLE` codes are a policy author's mistakes, `PLR` codes refuse a request, `PLU` a call, `PLI` are ours. The
examples are run as tests; `docs/reference/errors.md` is generated from here. Examples of `PLE` codes are
policies, those of `PLR` codes are requests. An empty `bad` means that no short text shows it.
"""

from __future__ import annotations

from typing import NamedTuple

from .actions import ACTIONS


class Page(NamedTuple):
    """One code's page, and what the service does with a call that is refused by the code.

    `status` is the HTTP status of its reply. `recorded` refusals stand in the decision log: somebody asked for what is
    not theirs.
    """

    code: str
    title: str
    why: str
    bad: str
    good: str
    status: int = 400
    recorded: bool = False

    def text(self) -> str:
        """The page as plain text."""
        out = [f"{self.code}: {self.title}", "", self.why]
        for head, example in (("wrong:", self.bad), ("right:", self.good)):
            if example:
                out += ["", head, *("    " + line for line in example.split("\n"))]
        return "\n".join(out)


_T = 'tier review { approvers "@team" }\n'

# fmt: off
_PAGES = (
    # files
    Page("PLE001", "a policy file cannot be read", "Only regular files that exist are read: no folders, pipes or devices. "
     "Paths in `import` and `within` start at the file that names them.", 'import "missing.policy"',
     "import std.baseline"),
    Page("PLE002", "not valid UTF-8", "Policies are UTF-8 text. Save the file in that encoding.", "", ""),
    Page("PLE003", "invisible or control characters", "Bidi, zero-width and control characters can make a policy read "
     "differently from what it says in a review. Write them as `\\u{...}` inside a string, or remove them.",
     'allow read "src/\u200bapp"', 'allow read "src/app"'),
    Page("PLE004", "over a limit", "Everything that input controls is bounded; the table of limits says why.", "", ""),
    Page("PLE005", "a compiled policy is refused", "It must be whole, made by this version of the program, and in the hands "
     "of this user or root alone, with every folder and link on the way to it: whoever can change it, or put another in its place, decides what "
     "the agent may do.", "", ""),
    Page("PLE006", "a compiled policy is stale", "A source has changed since, or is gone. The compiled policy stays in force: an agent "
     "could have changed the source, by `git checkout` for one. Whoever reviews the change compiles it again. One that goes where its "
     "sources are not is compiled with `--no-sources`.", "", ""),
    Page("PLE007", "a compiled policy where a source is needed", "A compiled policy answers requests. Looking at its rules "
     "(`lint`, `diff`, `prove`, `query`, `test`, `fmt`) needs the source.", "", ""),
    Page("PLE008", "written in a newer language", "The file names an edition of the language that this program does not know, so "
     "nothing in it can be trusted to mean what it says. Upgrade policy_lang, or write the file in an edition it knows.",
     'policy "a" language 99\nallow read "a"', 'policy "a" language 1\nallow read "a"'),
    # text
    Page("PLE101", "a string is not closed", "A string ends on the line where it begins.", 'allow read "src/**',
     'allow read "src/**"'),
    Page("PLE102", "not part of the language", "The character or word fits nowhere. Text goes in double quotes.",
     "allow read 'src/**'", 'allow read "src/**"'),
    Page("PLE103", "a block is not closed", "Each `{` needs its `}`.", 'agent "a" {\n    allow read "src/**"',
     'agent "a" {\n    allow read "src/**"\n}'),
    Page("PLE104", "an unmatched `}`", "No `{` belongs to it.", 'allow read "src/**"\n}', 'allow read "src/**"'),
    Page("PLE105", "a block is missing", "Scopes, tests and proofs have a block in braces.", 'agent "a"\nallow read "x"',
     'agent "a" { allow read "x" }'),
    Page("PLE106", "nested too deeply", "Deep nesting cannot be reviewed. Flatten it.", "", ""),
    Page("PLE107", "an unknown escape", 'Strings know `\\"`, `\\\\`, `\\n`, `\\t` and `\\u{...}`.',
     'allow read "a" because "50\\% done"', 'allow read "a" because "50% done"'),
    Page("PLE108", "a clause is given twice", "Join the two into one, or write two rules.",
     'allow read "a" when agent == "x" when repo == "y"', 'allow read "a" when agent == "x" and repo == "y"'),
    Page("PLE109", "a method without `connect`", "HTTP methods belong to the action `connect`.",
     'allow read GET "a"', 'allow connect GET "a.example"'),
    Page("PLE110", "something unexpected in a statement", "The statement is right up to the place shown; the help names "
     "what could stand there.", 'allow read "a" becuase "x"', 'allow read "a" because "x"'),
    Page("PLE111", "an unknown statement", "Statements begin with a reserved word, such as `allow`, `deny`, `ask`, `tier`.",
     'allwo read "a"', 'allow read "a"'),
    Page("PLE112", "a reserved word as a name", "Words that begin statements and clauses cannot be names.",
     'rule deny: allow read "a"', 'rule no-deny: allow read "a"'),
    Page("PLE113", "`ask` without a tier", "An approval needs to say whose: name a tier.", 'ask read "a"',
     _T + 'ask review read "a"'),
    Page("PLE114", "not a language edition", "Editions of the language are whole numbers, counted from 1.",
     'policy "a" language 0\nallow read "a"', 'policy "a" language 1\nallow read "a"'),
    # names
    Page("PLE201", "an unknown action", f"The actions are a closed set: {', '.join(ACTIONS)}.", 'allow raed "a"', 'allow read "a"'),
    Page("PLE202", "an unknown module", "Library modules are written bare, such as `std.git`; files go in quotes.",
     "import std.giit", "import std.git"),
    Page("PLE203", "an unknown tier", "A tier must be defined in this file, an import or a ceiling.",
     _T + 'ask reveiw read "a"', _T + 'ask review read "a"'),
    Page("PLE204", "an unknown rule label", "`without` drops rules by their label; the module has none of that name.",
     "import std.git without protected-ref", "import std.git without protected-refs"),
    Page("PLE205", "a library module imports a file", "Library modules import only library modules.", "", ""),
    Page("PLE206", "defined twice", "One name has one meaning in the whole policy set, so that no import can weaken a "
     "tier or change an attribute's type.", _T + _T.strip(), _T.strip()),
    Page("PLE207", "a tier that is never defined", "A library may need a tier without saying who approves. Define it.",
     "tier review", _T.strip()),
    Page("PLE208", "a built-in attribute", "`agent`, `repo`, `branch`, `session` and `now` need no declaration.",
     "context { branch: string }", "context { team: string }"),
    Page("PLE209", "an unknown attribute", "Conditions speak of declared attributes and built-ins only. What the runtime "
     "sends must be declared, so that a typing error cannot open anything.",
     'context { env: string }\nallow read "a" when enw == "x"', 'context { env: string }\nallow read "a" when env == "x"'),
    Page("PLE210", "two rules with one label", "Labels name rules in decisions, logs and `without`.",
     'rule a: allow read "a"\nrule a: allow read "b"', 'rule a: allow read "a"\nrule b: allow read "b"'),
    Page("PLE211", "an unknown name", "A bare word in a list of patterns refers to a `let` of the same file.",
     'let keys = "**/*.pem"\ndeny read kes, keys', 'let keys = "**/*.pem"\ndeny read keys'),
    Page("PLE212", "a `let` in a cycle", "A `let` cannot contain itself.", "let a = b\nlet b = a\ndeny read a",
     'let a = "x"\nlet b = a\ndeny read b'),
    Page("PLE213", "an unused `let`", "No rule uses it, so it protects nothing. Use or remove it.",
     'let keys = "**/*.pem"\nallow read "a"', 'let keys = "**/*.pem"\ndeny read keys'),
    # types
    Page("PLE301", "an unknown type", 'Types are `string`, `int`, `bool`, and enumerations such as `"dev" | "prod"`.',
     "context { env: strng }", "context { env: string }"),
    Page("PLE302", "a wrong enumeration", "Its members are distinct texts, at most 256.", 'context { env: "a" | "a" }',
     'context { env: "a" | "b" }'),
    Page("PLE303", "a wrong default", "The default must be a value of the attribute's type.",
     'context { env: "a" | "b" = "c" }', 'context { env: "a" | "b" = "b" }'),
    Page("PLE304", "not a valid date", "Dates are YYYY-MM-DD, times YYYY-MM-DDTHH:MMZ, in UTC.", 'allow read "a" until 2027-02-30',
     'allow read "a" until 2027-02-28'),
    Page("PLE305", "not true or false", "Only a bool attribute can stand alone in a condition.",
     'context { env: string }\nallow read "a" when env', 'context { ci: bool }\nallow read "a" when ci'),
    Page("PLE306", "values that have no order", "`<` and `..` compare numbers and times.",
     'context { env: string }\nallow read "a" when env < "b"', 'context { n: int }\nallow read "a" when n < 3'),
    Page("PLE307", "not a value of the attribute", "The constant does not fit the attribute's type, so the comparison could "
     "never hold.", 'context { env: "dev" | "prod" }\nallow read "a" when env == "prd"',
     'context { env: "dev" | "prod" }\nallow read "a" when env == "prod"'),
    Page("PLE308", "a wrong comparison with time", "`now` takes `<`, `<=`, `>`, `>=` and a date, or a window such as "
     "`now in 09:00..17:30` or `now in mon..fri`, in UTC.", 'allow read "a" when now == 2027-01-01',
     'allow read "a" when now < 2027-01-01'),
    Page("PLE309", "`override protected` on a deny", "It lifts the protected floor for what a rule grants.",
     'deny write ".git/config" override protected', 'allow write ".git/config" override protected'),
    Page("PLE310", "`log` on a deny", "`log` flags what is granted. Denials are always recorded.", 'deny read "a" log',
     'allow read "a" log'),
    Page("PLE311", "actions of different kinds", "One rule has one kind of resource: a path, a command, a host, a ref or "
     "a name.", 'allow read, run "a"', 'allow read "a"\nallow run "a"'),
    Page("PLE312", "a tier without approvers", "Somebody must be able to approve.", "tier review { quorum 1 }", _T.strip()),
    Page("PLE313", "a tier's number is out of range", "A quorum is 1 to 100; a waiting time is 1s to 30d.",
     'tier review { approvers "@t" quorum 0 }', 'tier review { approvers "@t" quorum 2 }'),
    Page("PLE314", "a tier includes itself", "`includes` says that one approval covers another; it cannot form a cycle.",
     'tier a { approvers "@t" includes b }\ntier b { approvers "@t" includes a }',
     'tier a { approvers "@t" includes b }\ntier b { approvers "@t" }'),
    Page("PLE315", "escalation to a weaker tier", "When nobody answers, a request may only go to a tier that includes this "
     "one.", 'tier a { approvers "@t" on timeout escalate b }\ntier b { approvers "@u" }',
     'tier a { approvers "@t" on timeout escalate b }\ntier b { approvers "@u" includes a }'),
    Page("PLE317", "a break-glass tier on the ordinary way", "A tier with `break-glass` opens other tiers in an emergency. No rule asks "
     "for it, and no other tier includes, escalates to or opens it.",
     'tier review { approvers "@t" }\ntier emergency { approvers "@on-call"  break-glass review }\nask emergency read "a"',
     'tier review { approvers "@t" }\ntier emergency { approvers "@on-call"  break-glass review }\nask review read "a"'),
    Page("PLE318", "a wrong comparison of an argument", "`arg.NAME` takes `==`, `!=` and a text, a whole number or a truth value, `in` and "
     "patterns, whole numbers or a range, `<` and its like with a whole number, `==` and an attribute that is a text, or nothing; `given` asks whether there "
     "is one. `==` compares exactly, so a wildcard belongs behind `in`.",
     'allow call "a.b" when arg.repo == "acme/*"', 'allow call "a.b" when arg.repo in "acme/*"'),
    Page("PLE319", "an argument of no call", "Only a `call` has arguments. A scope about them holds rules about `call` alone.",
     'allow read, write "src/**" when arg.path == "a"', 'allow call "fs.read" when arg.path == "a"'),
    # patterns
    Page("PLE316", "a `freeze` out of range", "Between 1 and 1,000 denials, within 1s to 30d.",
     "freeze when 0 denials within 5m", "freeze when 10 denials within 5m"),
    Page("PLE401", "a malformed pattern", "The pattern could not match what it seems to say. The message says why.",
     'allow read "../secrets/**"', 'allow read "secrets/**"'),
    Page("PLE402", "a rule that matches nothing", "Its `except` takes away everything that its patterns include.",
     'allow read "src/*.py" except "src/**"', 'allow read "src/**" except "src/*.py"'),
    Page("PLE403", "conditions that cannot hold", "No request can meet the scopes and `when` of this rule together.",
     'agent "a" { agent "b" { allow read "x" } }', 'agent "a*" { agent "*b" { allow read "x" } }'),
    Page("PLE404", "`opaque` on something else", "Only commands can be opaque.", "deny read opaque", "deny run opaque"),
    Page("PLE405", "options on something else, or not an option", "`with` and `without` name options of a command.",
     'allow run "git push **" without "force"', 'allow run "git push **" without "--force"'),
    Page("PLE406", "an example that is wrong", "`match` and `not match` are checked whenever the policy is loaded.",
     'allow read "src/*" { match "src/a/b" }', 'allow read "src/**" { match "src/a/b" }'),
    Page("PLE407", "a destination that is none", "`for` says which hosts a credential goes to, by their names; only `use` has it.",
     'allow use "TOKEN" for "10.0.0.1"', 'allow use "TOKEN" for "api.example"'),
    # the set
    Page("PLE501", "a wrong header", "`policy` or `guardrail` stands once, first, with a name.",
     'allow read "a"\npolicy "x"', 'policy "x"\nallow read "a"'),
    Page("PLE502", "an empty file", "A policy without statements would deny everything, silently.", "# nothing",
     'policy "x"'),
    Page("PLE503", "a statement inside a scope", "Scopes contain rules and scopes. Everything else is about the whole file.",
     'agent "a" {\n    import std.git\n}', 'import std.git\nagent "a" { allow read "x" }'),
    Page("PLE504", "a guardrail that allows", "Guardrails only take away, so that importing one is always safe.",
     'guardrail "g"\nallow read "a"', 'guardrail "g"\ndeny read "a"'),
    Page("PLE505", "imports in a cycle", "The message shows the way round. Break it in one place.", "", ""),
    Page("PLE506", "a ceiling named twice", "Once is enough.", 'within std.baseline\nwithin std.baseline\nallow read "a"',
     'within std.baseline\nallow read "a"'),
    Page("PLE507", "a ceiling that does nothing", "A ceiling that grants nothing makes everything impossible; a guardrail "
     "without rules restricts nothing.", "", ""),
    Page("PLE508", "a test or proof that says nothing", "It would always pass. Add expectations or remove it.",
     'test "t" { }', 'test "t" { deny read "a" }'),
    Page("PLE509", "a malformed profile", "A profile is a TOML file named after its program; the message says what is wrong. "
     "docs/reference/commands.md has the format.", "", ""),
    Page("PLE510", "a profile in the wrong place", "A profile changes what every rule sees, so it stands in a policy without "
     "ceilings, or in the outermost ceiling, once a program.", "", ""),
    Page("PLE511", "a folder that cannot be trusted", "A trusted folder is absolute, in the home (`~/`) or in the workspace (`./`), "
     "named in full and in its shortest form.", 'trust "bin"\nallow run "git **"', 'trust "./bin"\nallow run "git **"'),
    Page("PLE512", "a `trust` in the wrong place", "What a folder's programs are decides what a policy grants, so only the policy that grants "
     "says it: no guardrail and no import.", 'guardrail "g"\ntrust "/opt/bin"\ndeny read "x"', 'policy "p"\ntrust "/opt/bin"\nallow read "x"'),
    Page("PLE513", "tools of a server that cannot be read", "A file `SERVER.tools.json` is what that MCP server answers to `tools/list`, once for a server.", "", ""),
    Page("PLE514", "a tool or an argument that does not exist", "The server's tools are known by `profile \"SERVER.tools.json\"`, and none is called so, or takes "
     "such an argument: the rule would never match, or never hold.", "", ""),
    Page("PLE515", "an argument of another type", "The server's tools say of which type the argument is; a comparison with another one is never known.", "", ""),
    Page("PLE601", "a permission file that cannot be read", "A client's file of permissions is not what its name says: no valid JSON, "
     "no UTF-8, too long, or of another shape. Its client reads nothing of it either, denials included.", "", ""),
    # requests
    Page("PLR001", "not a string", "Resources are strings; commands may be arrays of strings.",
     '{"action": "read", "resource": ["a"]}', '{"action": "read", "resource": "a"}'),
    Page("PLR002", "an empty resource", "Nothing is named.", '{"action": "read", "resource": ""}',
     '{"action": "read", "resource": "a"}'),
    Page("PLR003", "a lone surrogate", "The text has no UTF-8 form, so no system call could mean it.", "", ""),
    Page("PLR004", "too long", "Over a limit of the resource; the table of limits says which and why.", "", ""),
    Page("PLR005", "a control character", "A name with control characters deceives whoever reads it.",
     '{"action": "read", "resource": "a\\nb"}', '{"action": "read", "resource": "a"}'),
    Page("PLR006", "an unknown action", "The actions are a closed set.", "", ""),
    Page("PLR007", "a wrong context value", "The value is not of the attribute's declared type.", "", ""),
    Page("PLR008", "an undeclared context attribute", "The policy declares what it is told, so that nothing is ignored.",
     '{"action": "read", "resource": "a", "context": {"x": 1}}', '{"action": "read", "resource": "a"}'),
    Page("PLR011", "a backslash in a path", "Systems differ on what it means.", '{"action": "read", "resource": "a\\\\b"}',
     '{"action": "read", "resource": "a/b"}'),
    Page("PLR012", "another account's home", "`~user` depends on the machine. Give the absolute path.",
     '{"action": "read", "resource": "~root/x"}', '{"action": "read", "resource": "/root/x"}'),
    Page("PLR013", "a folder that is not absolute", "`workspace`, `home`, `cwd` and `tmp` are absolute paths.",
     '{"action": "read", "resource": "a", "workspace": "repo"}', '{"action": "read", "resource": "a", "workspace": "/repo"}'),
    Page("PLR014", "out of an unnamed folder", "The path goes above the workspace or the home. Say where that is.",
     '{"action": "read", "resource": "../a"}', '{"action": "read", "resource": "../a", "workspace": "/repo"}'),
    Page("PLR015", "too many symbolic links", "The path is a loop, or as good as one.", "", ""),
    Page("PLR016", "an open file", "`/proc/self/fd`, `/dev/fd` and the like name whatever the process has open.",
     '{"action": "read", "resource": "/proc/self/fd/3"}', '{"action": "read", "resource": "/etc/hosts"}'),
    Page("PLR017", "a path that cannot be resolved", "A folder on the way may not be looked into, so what lies behind it "
     "is not known.", "", ""),
    Page("PLR021", "no host name", "The host has a character that no host has.",
     '{"action": "connect", "resource": "exa mple.com"}', '{"action": "connect", "resource": "example.com"}'),
    Page("PLR022", "no address", "The text looks like an address and is none.", '{"action": "connect", "resource": "1.2.3.4.5"}',
     '{"action": "connect", "resource": "1.2.3.4"}'),
    Page("PLR023", "no port", "Ports are 1 to 65535.",
     '{"action": "connect", "resource": "a.example:99999"}', '{"action": "connect", "resource": "a.example:8080"}'),
    Page("PLR024", "an empty label", "Two dots, or one in front.", '{"action": "connect", "resource": "a..example"}',
     '{"action": "connect", "resource": "a.example"}'),
    Page("PLR025", "no international name", "The name is not valid IDNA 2008, or its `xn--` form is not what some name encodes to.", "", ""),
    Page("PLR026", "an unknown method", "HTTP methods are upper-case and well known.", "", ""),
    Page("PLR027", "an unknown scheme", "Known are https, http, wss, ws, ssh, git and ftp. Others mean something else to each "
     "client.", '{"action": "connect", "resource": "foo://a.example"}',
     '{"action": "connect", "resource": "https://a.example"}'),
    Page("PLR028", "a destination of something else", "Only a `use` says which host a credential goes to.",
     '{"action": "call", "resource": "a", "destination": "a.example"}', '{"action": "use", "resource": "A", "destination": "a.example"}'),
    Page("PLR029", "arguments of something else", "Only a `call` has arguments.",
     '{"action": "read", "resource": "a", "arguments": {}}', '{"action": "call", "resource": "a.b", "arguments": {}}'),
    Page("PLR031", "no ref", "By git-check-ref-format(1).", '{"action": "push", "resource": "a..b"}',
     '{"action": "push", "resource": "a-b"}'),
    Page("PLR032", "a forced push", "`+` forces. Ask for the action `force-push`.", '{"action": "push", "resource": "+main"}',
     '{"action": "force-push", "resource": "main"}'),
    Page("PLR033", "a ref that depends on history", "`@{-1}` and its like mean something else in each clone.",
     '{"action": "push", "resource": "@{-1}"}', '{"action": "push", "resource": "feature"}'),
    Page("PLR034", "an ambiguous ref", "git reads `heads/x` both as a branch of that name and as refs/heads/x.",
     '{"action": "push", "resource": "heads/main"}', '{"action": "push", "resource": "refs/heads/main"}'),
    Page("PLR041", "no name", "Names are printable ASCII, with dots between parts.",
     '{"action": "call", "resource": "git hub.x"}', '{"action": "call", "resource": "github.x"}'),
    Page("PLR051", "no command", "The command has no program.", '{"action": "run", "resource": []}',
     '{"action": "run", "resource": ["ls"]}'),
    Page("PLR052", "an unknown shell", "Known are bash, sh, zsh, and argv for arrays of words.",
     '{"action": "run", "resource": "ls", "shell": "argv"}', '{"action": "run", "resource": "ls", "shell": "bash"}'),
    Page("PLR061", "a malformed pattern", "A partly known resource is written as a pattern of the policy language.",
     '{"action": "read", "resource": {"pattern": "a/../b"}}', '{"action": "read", "resource": {"pattern": "a/**"}}'),
    Page("PLR101", "a request over a limit", "Too long, or nested too deeply.", "", "", status=413),
    Page("PLR102", "not valid UTF-8", "Requests are UTF-8 without lone surrogates.",
     '{"action": "read", "resource": "\\ud800"}', '{"action": "read", "resource": "a"}'),
    Page("PLR103", "not valid JSON", "One JSON object a line.", '{"action": "read", "resource": NaN}',
     '{"action": "read", "resource": "a"}'),
    Page("PLR201", "nobody whom the service knows", "The kernel or a token says who asks. The service's configuration binds "
     "that to agents; what a request says of itself changes nothing.", "", "", status=403, recorded=True),
    Page("PLR202", "another agent's name", "A caller speaks for the agents that it is bound to, and for no others.", "", "", status=403, recorded=True),
    Page("PLR203", "something that is fixed", "The configuration, or whoever started the session, has fixed this value.", "", "", status=403, recorded=True),
    Page("PLR204", "too many at once", "Sessions, frozen principals and open questions are bounded.", "", "", status=429),
    Page("PLR205", "nothing of this name", "There is no such session, freeze or question, or the name is taken.", "", "", status=404),
    Page("PLR206", "not an operator", "Only operators start sessions, freeze, lift and reload. A user that an agent runs as "
     "is never one.", "", "", status=403, recorded=True),
    Page("PLR207", "no policy is in force", "None could be loaded yet; `/v1/policy` says why. Until then everything is denied.",
     "", "", status=503),
    Page("PLR208", "no more connections", "The service, or this caller, has as many as are allowed, or the caller is unknown.",
     "", "", status=503),
    Page("PLR211", "no such path", "`/openapi.json` lists the service's paths.", "", "", status=404),
    Page("PLR212", "another method", "Each path takes one method.", "", "", status=405),
    Page("PLR213", "not HTTP/1.1 as the service takes it", "There is no other version, no upgrade, no doubled header.", "", ""),
    Page("PLR214", "too slow", "A call arrives within a second of its first byte.", "", "", status=408),
    Page("PLR215", "from a web page", "Browsers may not ask: no `Origin`, and no `Host` but a loopback address.", "", "", status=403),
    Page("PLR216", "stopping, or too many wait", "The service is about to end, or as many calls wait for people as can.", "", "", status=503),
    Page("PLR218", "a head over a limit", "The path and the headers of a call are bounded, in bytes and in number.", "", "", status=431),
    Page("PLR219", "a body without its length", "A body comes with `Content-Length`; there is no other transfer coding.", "", "", status=411),
    Page("PLR104", "an unknown or doubled field", "Two readers of one request must see the same thing.",
     '{"action": "read", "resource": "a", "resource": "b"}', '{"action": "read", "resource": "a"}'),
    Page("PLR105", "a missing field", "`action` and `resource` are required.", '{"action": "read"}',
     '{"action": "read", "resource": "a"}'),
    Page("PLR106", "a wrong value", "The field is not of the right kind.", '{"action": "raed", "resource": "a"}',
     '{"action": "read", "resource": "a"}'),
    Page("PLU001", "a wrong call", "The command line is not understood; `--help` shows how it goes.", "", ""),
    Page("PLR217", "nothing can be recorded", "What an operator does is recorded before it is done, and the decision log cannot be "
     "written. Make room, or correct what the service's log says.", "", "", status=503),
    Page("PLR221", "not in the record", "A replay decides by what the record says of the disk. This request needs more than was "
     "looked at then, so it is counted as undecided.", "", ""),
    Page("PLR230", "not an approver", "Nobody but a person whom the ticket's tiers name, or a tier that includes one of them, says yes or no. "
     "The requester, and whoever runs as it, never counts.", "", "", status=403, recorded=True),
    Page("PLR231", "the ticket is over", "It was approved, rejected, redeemed, revoked, or nobody answered in time. Nothing leads back: ask again.",
     "", "", status=409),
    Page("PLR232", "answered already", "A quorum counts different people. A person may still say no.", "", "", status=409),
    Page("PLR233", "a reason is wanted", "The tier says `reason required`: say why, for those who read the records.", "", ""),
    Page("PLR234", "another request", "An approval is for exactly one request, of one agent in one session, under one policy. "
     "An edited command or a new policy needs a new one.", "", "", recorded=True),
    Page("PLR235", "not approved", "The ticket waits for people, or is over; its state says which.", "", ""),
    Page("PLR236", "too many questions", "An agent may have so many tickets open at once, and ask so many within an hour; all agents of a user may ask as many as three. Let people answer, or wait.", "", ""),
    Page("PLR237", "approvals cannot be kept", "The store of tickets cannot be read or written: nothing can be asked or redeemed until it can.", "", "", status=503),
    Page("PLR238", "a ticket of another policy", "The policy has changed since it was asked, or it is another service's. Approvals are for one policy: "
     "the agent asks again.", "", "", status=409, recorded=True),
    Page("PLR239", "no such signature", "Whoever signs in the service's configuration signs every answer: the text of the ticket, the verdict and the "
     "reason, by the key that stands there. `policy approvals approve ID --sign-with KEY --as NAME` does it.", "", "", status=403, recorded=True),
    Page("PLR240", "people have said no", "Exactly this was asked not long ago, and somebody said no. It is denied without asking again; do something else, "
     "or ask a person.", "", ""),
    Page("PLR241", "not signed in", "A link to the console is good once, for two minutes, and a session for some hours, in the browser that opened it. "
     "`policy approvals console` gives a new link.", "", "", status=403, recorded=True),
    Page("PLR242", "the ticket has changed", "Since the page was shown the ticket is not as it was, or the form is not of this session. Look at it again.", "", "", status=409, recorded=True),
    Page("PLR243", "no second proof", "The service's configuration names a key of this person (`webauthn`): an answer counts only with the key's own word for exactly this "
     "ticket, as it is, and this verdict. Open the ticket in the console, at `localhost` or the proxy's address, and touch the key.", "", "", status=403, recorded=True),
    Page("PLR244", "nothing was refused", "Only an agent that was refused proposes a rule, and the proposal names that call: its decision's id, or its action and "
     "resource. Denials are kept for a while in memory: try the call again, then propose.", "", "", status=409),
    Page("PLR245", "the proposal is over", "It was accepted, rejected, withdrawn, or nobody answered in time; or its session is over. Nothing leads back: propose again.",
     "", "", status=409),
    Page("PLR246", "the proposal is not as it was shown", "Its rules, what they permit or the policy have changed since. Nobody accepts what was not shown: look at it again, "
     "and weigh it again when the policy has changed.", "", "", status=409, recorded=True),
    Page("PLR247", "too many proposals", "People read so many, and each costs seconds of work. Work on with what is allowed, or wait.", "", "", status=429),
    Page("PLR248", "the policy's sources are not what is in force", "A rule is weighed by the sources of the policy in force, as they stand in its files. They have changed since, "
     "or are not here. Put the change in force, or undo it.", "", "", status=409),
    Page("PLR249", "people have said no to this", "A person has rejected rules that would have permitted something that this proposal would permit as well, in whatever words, less than an "
     "hour ago. Do something else, or ask a person.", "", "", status=409, recorded=True),
    Page("PLR250", "the rule would not help", "With the rule in the policy the call would still be denied, or nothing would be permitted that is not already. Rules that "
     "deny, ceilings and the protected floor stand whatever is allowed.", "", "", status=409),
    Page("PLR251", "the branch cannot be made", "A rule becomes a change to the policy's file where `[proposals] repository` names its git repository, and the file in `HEAD` is "
     "the one in force. Nothing was changed.", "", "", status=409),
    Page("PLR252", "not a policy to compare", "A policy for sub-agents is one text: rules, scopes, tiers, imports of the library. It names no files.", "", ""),
    Page("PLR253", "not a rule to propose", "An agent proposes one or a few rules that allow, for itself: `allow ACTION PATTERNS`, with `except`, `with`, "
     "`without`, `when`, `until`, `for` or `log`. Imports, ceilings, tiers, names, scopes, denials, `otherwise` and `override` are people's.", "", ""),
    Page("PLI002", "the decision cannot be recorded", "`audit_unavailable`: with a decision log nothing is allowed that is not on the disk. The decision is "
     "deny until the log can be written again; no restart is needed.", "", ""),
    Page("PLI001", "our fault", "Something went wrong inside. The decision is deny; please report it.", "", "", status=500),
)
# fmt: on

PAGES: dict[str, Page] = {page.code: page for page in _PAGES}
