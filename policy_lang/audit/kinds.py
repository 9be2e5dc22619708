"""Forms of secrets: those that have a form of their own, and the words that announce one.

An expression starts at a literal or at the beginning of a word, and what follows is bounded or possessive, so hostile
text costs no more than other text. Forms are the issuers' own, from their documentation.
"""

from __future__ import annotations

_T = "[A-Za-z0-9]"
_D = "[A-Za-z0-9_-]"

FORMS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("aws-access-key", ("akia", "asia", "abia", "acca"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,255}"),
    ("gitlab-token", ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"), r"\bgl(?:pat|dt|rt|ptt|cbt|soat)-[A-Za-z0-9_.-]{20,255}"),
    ("slack-token", ("xoxa", "xoxb", "xoxe", "xoxo", "xoxp", "xoxr", "xoxs", "xapp-", "xwfp-"), r"\b(?:xox[abeoprs]-|xapp-|xwfp-)[A-Za-z0-9.-]{10,255}"),
    ("slack-webhook", ("hooks.slack.com",), r"hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[A-Za-z0-9/_-]{10,255})"),
    ("discord-webhook", ("/api/webhooks/",), rf"/api/webhooks/(?P<secret>[0-9]{{10,25}}/{_D}{{20,100}})"),
    ("stripe-key", ("_live_", "_test_", "whsec_"), rf"\b(?:[sr]k_(?:live|test)_|whsec_){_T}{{10,255}}"),
    ("anthropic-key", ("sk-ant-",), rf"\bsk-ant-{_D}{{10,255}}"),
    ("openai-key", ("sk-",), rf"\bsk-{_D}{{20,255}}"),
    ("google-key", ("aiza",), rf"\bAIza{_D}{{30,50}}"),
    ("google-oauth", ("ya29.", "gocspx-"), rf"\b(?:ya29\.[A-Za-z0-9_.-]{{20,2048}}|GOCSPX-{_D}{{20,64}})"),
    ("npm-token", ("npm_",), rf"\bnpm_{_T}{{20,64}}"),
    ("pypi-token", ("pypi-ag",), rf"\bpypi-Ag{_D}{{16,512}}"),
    ("rubygems-key", ("rubygems_",), r"\brubygems_[a-f0-9]{32,64}"),
    ("huggingface-token", ("hf_", "api_org_"), rf"\b(?:hf|api_org)_{_T}{{20,64}}"),
    ("sendgrid-key", ("sg.",), rf"\bSG\.{_D}{{16,32}}\.{_D}{{16,64}}"),
    ("telegram-token", (":aa",), rf"\b[0-9]{{8,10}}:AA{_D}{{32,40}}"),
    ("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), r"\bdo[opr]_v1_[a-f0-9]{40,80}"),
    ("databricks-token", ("dapi",), r"\bdapi[a-f0-9]{32}(?:-[0-9])?\b"),
    ("vault-token", ("hvs.", "hvb.", "hvr."), rf"\bhv[sbr]\.{_D}{{20,255}}"),
    ("age-key", ("age-secret-key-",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,64}"),
    ("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_"), r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    ("linear-key", ("lin_api_",), rf"\blin_api_{_T}{{20,64}}"),
    ("postman-key", ("pmak-",), r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("atlassian-token", ("atatt3", "atctt3"), r"\bAT(?:ATT|CTT)3[A-Za-z0-9_=-]{20,512}"),
    ("newrelic-key", ("nrak-",), r"\bNRAK-[A-Z0-9]{20,40}"),
    ("doppler-token", ("dp.pt.", "dp.st.", "dp.ct.", "dp.sa."), r"\bdp\.(?:pt|st|ct|sa)\.[A-Za-z0-9._-]{20,128}"),
    ("figma-token", ("figd_",), rf"\bfigd_{_D}{{20,64}}"),
    ("notion-token", ("ntn_",), rf"\bntn_{_T}{{30,64}}"),
    ("twilio-key", ("twilio", "api.twilio", "sk"), r"\bSK[0-9a-f]{32}\b"),
    ("jwt", ("eyj",), rf"(?<![A-Za-z0-9_-])eyJ{_D}{{8,2048}}+\.{_D}{{4,8192}}+(?:\.{_D}{{0,2048}}+)?"),
    ("url-password", ("://",), r"(?<!ssh)://(?P<secret>[^\s/@'\"?#]{1,512}+)@"),
    ("authorization", ("authorization",), r"(?i:authorization['\"]?\s{0,4}+[:=]\s{0,4}+['\"]?(?:(?:bearer|basic|token|digest|negotiate|apikey|aws4-hmac-sha256)\s{1,4}+)?)(?P<secret>[^\s'\"\\]{4,4096}+)"),
    ("bearer", ("bearer",), r"(?i:\bbearer\s{1,4}+)(?P<secret>[^\s'\"\\,;]{8,4096}+)"),
    ("cookie", ("cookie",), r"(?i:cookie['\"]?\s{0,4}+:\s{0,4}+['\"]?)(?P<secret>[^'\"\\\r\n]{4,4096}+)"),
    ("user-password", ("-u", "-user"), r"(?<!\S)(?:-u|--user|--proxy-user)[ =]?['\"]?(?![0-9]{1,10}:)[^\s:'\"]{1,128}+:(?P<secret>[^\s'\"]{4,512}+)"),
    ("client-password", ("mysql", "mariadb", "sshpass"), r"\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump|sshpass)(?=\s)[^;|&\n]{0,256}?\s-p(?P<secret>[^\s'\"]{4,256}+)"),
)  # fmt: skip
"""Name, texts of which one must occur (in small letters), expression; its group `secret`, or all of it, is the secret."""

SECRET_ENDS = (
    "password", "passwd", "passphrase", "secret", "token", "credential", "credentials", "apikey", "accesskey", "authkey",
    "privatekey", "secretkey", "accountkey", "sharedaccesskey", "signature", "encryptionkey", "signingkey", "masterkey",
)  # fmt: skip
"""How the name of something secret ends, without what separates its words: `PGPASSWORD`, `x-api-key`, `githubToken`."""
ALSO = frozenset(("secret", "password", "passwd", "sig", "sas", "pin", "otp", "pass", "auth", "key", "code"))
"""Names that are secret as a parameter of a URL."""
ABOUT = (
    "file",
    "path",
    "url",
    "uri",
    "name",
    "id",
    "type",
    "command",
    "env",
    "helper",
    "ttl",
    "dir",
    "policy",
    "length",
    "stdin",
)
"""How a name ends that speaks of a secret without being one: `password-file`."""
NEEDLES = (
    "passw", "passphrase", "secret", "token", "credential", "key", "signature", "sig=", "sas=", "pin=", "otp=", "pass=",
    "auth=", "code=", "private key",
)  # fmt: skip
"""One of these occurs where a name announces a secret."""
