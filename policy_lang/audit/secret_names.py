"""Words in the names of secrets, and values that are none: data for the redactor.

Names are compared by their words: `dbPassword`, `DB_PASSWORD` and `db.password` are all `db`, `password`. The names that
are secret are those that programs document; what makes one harmless was found on ordinary commands.
"""

from __future__ import annotations

SURE = (
    "password", "passwords", "passwd", "passphrase", "passcode", "secret", "token", "credential", "credentials", "creds", "apikey", "accesskey", "authkey",
    "privatekey", "secretkey", "accountkey", "sharedaccesskey", "signature", "encryptionkey", "signingkey", "masterkey",
    "sessionkey", "deploykey", "secretid", "authorization", "auth", "clientkeydata", "mnemonic", "presharedkey", "secretkeybase", "serviceaccounttoken",
    "signature256", "secretstring", "xhoneycombteam", "xjfrogartapi", "requirepass", "npmauthtoken", "userpass", "githubpat", "subscriptionkey",
)  # fmt: skip
"""How a name ends whose value is secret, whatever it looks like, without what separates its words."""
PARTS = frozenset(
    ("pass", "pwd", "pw", "pat", "psk", "authtoken", "passw", "otp", "pin", "sas", "sig", "passin", "passout")
)
"""The last word of such a name, when it stands for itself: `DB_PASS`."""
MAYBE = frozenset((
    "key", "salt", "seed", "code", "cookie", "session", "sid", "nonce", "dsn", "cert", "value", "pem", "b64", "hash", "digest", "jwt", "bearer",
    "access", "api", "license", "private", "auth", "netrc", "credential", "apitoken", "webhook", "login",
))  # fmt: skip
"""The last word of a name whose value is secret when it looks like one: `STRIPE_KEY`."""
PARAMETERS = frozenset((
    "secret", "password", "passwd", "sig", "sas", "pin", "otp", "pass", "auth", "key", "code", "apikey", "pwd", "token", "assertion", "session", "sid",
))  # fmt: skip
"""The last word of a name that is secret as a parameter of a URL or a form."""
ABOUT = frozenset((
    "file", "path", "url", "uri", "name", "id", "type", "command", "env", "helper", "ttl", "dir", "policy", "length", "stdin", "limit", "count", "size",
    "field", "version", "alg", "algorithm", "expiry", "expires", "min", "max", "form", "hint", "mode", "ref", "index", "format", "enabled", "required",
    "provider", "store", "manager", "budget", "class", "column", "prompt", "input", "label", "group", "through", "parallelism", "sock", "list", "generator",
    "selector", "cmd", "server", "host", "port", "endpoint", "user", "username", "lifetime", "scope", "scopes", "rotation", "sha256sum", "tests", "spec",
))  # fmt: skip
"""How a name ends that speaks of a secret without being one: `password-file`."""
NEVER = frozenset((
    "public", "pub", "primary", "foreign", "cache", "partition", "sort", "project", "index", "unique", "next", "starting", "continuation", "page", "pad", "eos",
    "bos", "unk", "mask", "sep", "cls", "max", "min", "existing", "checksum", "object", "map", "i18n", "translation", "host", "known", "ca", "metric", "label",
    "exit", "status", "error", "zip", "postal", "country", "currency", "color", "source", "git", "key_id", "list", "group", "routing", "resource", "stop",
    "by", "of", "arrow", "hot", "keep", "commit", "image", "content", "etag", "data_disk", "old_hash",
))  # fmt: skip
"""A word that makes a name harmless: `PUBLIC_KEY`, `next_token`."""
TYPES = frozenset((
    "string", "str", "text", "uuid", "bytes", "int", "integer", "number", "boolean", "bool", "any", "unknown", "varchar", "char", "optional", "required",
    "none", "null", "nil", "true", "false", "undefined", "todo", "unset", "redacted", "hidden", "masked", "placeholder", "dummy", "example", "changeme",
    "change-me", "change_me", "replace_me", "replaceme", "default", "default_token", "enabled", "disabled", "object", "secretstr", "void", "never", "empty", "yes", "no", "set",
    "oauth", "oauth2", "basic", "bearer", "token", "apikey", "digest", "negotiate", "ntlm", "prompt", "ask", "stdin", "env", "file", "keyring", "vault",
    "test", "testing", "invalid", "wrong", "missing", "expired", "secret", "password", "passwd", "auth", "x", "redis", "always", "auto",
))  # fmt: skip
"""Values, in small letters, that are no secrets: types, place holders, ways to sign in."""
CALLS = (
    "login", "auth", "sign", "verify", "encode", "decode", "fernet", "pdo", "encrypt", "decrypt", "crypt", "createsuperuser", "createuser", "setpassword", "settoken", "password",
    "setsecret", "setapikey", "connect", "convertto-securestring", "hmac", "authenticate", "signin", "basicauth", "setpass", "usernamepassword", "addkey", "securestring",
)  # fmt: skip
"""How the name of a function ends that takes a secret as text, without `_`."""
NEEDLES = (
    "pass", "pwd", "secret", "token", "cred", "key", "signature", "sig=", "sas=", "pin", "otp", "auth", "code=", "cookie", "salt", "seed", "session", "sid=",
    "identified by", "pw", "mnemonic", "psk", "login", "crypt", "jwt", "sign(", "verify(", "fernet", "pdo(", "kind: secret", "pat ", "honeycomb", "jfrog-art",
    "assword", "superuser", "securestring", "\nuser ", "_b64", "dsn", "license", "webhook", "hmac", "passphrase", "connect(", "pat=", "bearer", "_pem",
)  # fmt: skip
"""In small letters; one of these occurs where a name announces a secret."""
