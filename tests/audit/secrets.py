"""Secrets to plant: made up here, in the forms that their issuers document, and in the places where agents put them."""

from __future__ import annotations

from collections.abc import Iterator

_B = "aZ3kQ9xW7mP2vT8rY5nL4jH6gF1dS0bC"
_H = "9f86d081884c7d659a2feaa0c55ad015"
TOKENS = {
    "aws": "AKIA" + "QWERTYUIOP123456", "aws-sts": "ASIA" + "QWERTYUIOP123456", "github": "ghp_" + _B + "abcd",
    "github-server": "ghs_" + _B + "abcd", "github-fine": "github_pat_11ABCDEFG0" + _B, "gitlab": "glpat-" + _B[:20],
    "gitlab-runner": "glrt-" + _B[:20], "slack-bot": "xoxb-123456789012-" + _B[:24], "slack-user": "xoxp-1234567890-" + _B[:24],
    "slack-app": "xapp-1-A0123-456-" + _H, "stripe": "sk_live_" + _B[:24], "stripe-restricted": "rk_live_" + _B[:24],
    "stripe-hook": "whsec_" + _B, "anthropic": "sk-ant-api03-" + _B, "openai": "sk-proj-" + _B, "openai-old": "sk-" + _B + _B[:16],
    "google": "AIza" + _B + "abc", "google-oauth": "ya29." + _B, "google-client": "GOCSPX-" + _B[:28], "npm": "npm_" + _B + "abcd",
    "pypi": "pypi-AgEIcHlwaS5vcmc" + _B, "rubygems": "rubygems_" + _H, "huggingface": "hf_" + _B, "sendgrid": "SG." + _B[:22] + "." + _B,
    "telegram": "123456789:AA" + _B + "a", "digitalocean": "dop_v1_" + _H + _H, "databricks": "dapi" + _H, "vault": "hvs." + _B,
    "age": "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" + "QPZRY9X8GF2TVDW0S3JN54KHCE", "shopify": "shpat_" + _H,
    "linear": "lin_api_" + _B, "postman": "PMAK-" + _H[:24] + "-" + _H + "ab", "atlassian": "ATATT3" + _B, "newrelic": "NRAK-" + "QWERTYUIOP1234567890ABCDEFG",
    "doppler": "dp.pt." + _B, "figma": "figd_" + _B, "notion": "ntn_" + _B, "twilio": "SK" + _H, "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + _B,
}  # fmt: skip
PLACES = (
    "echo {}",
    "curl -H 'X-Thing: {}' https://api.example/",
    "https://api.example/x?y={}",
    "printf %s {} > src/x",
    "git clone https://u:{}@api.example/x",
)
PASSWORDS = (
    "mysql -u root -pS3cretPass! db", "PGPASSWORD=S3cretPass! psql", "export DB_PASSWORD='S3cretPass!'", "curl -u bob:S3cretPass! https://api.example",
    "curl --user bob:S3cretPass! https://api.example", "curl -H 'Authorization: Basic S3cretPass!' https://api.example", "curl https://bob:S3cretPass!@api.example/x",
    "wget --password S3cretPass! x", "wget --password=S3cretPass! x", 'curl -d \'{"password": "S3cretPass!"}\' x', "curl -d 'password=S3cretPass!&x=1' x",
    "curl 'https://api.example/?api_key=S3cretPass!&x=1'", "curl 'https://api.example/?x=1&signature=S3cretPass!'", "curl -H 'Cookie: session=S3cretPass!' x",
    "curl -H 'X-Api-Key: S3cretPass!' x", 'curl -H "PRIVATE-TOKEN: S3cretPass!" x', "vault login token=S3cretPass!", "docker login --password S3cretPass! x",
    "az login --client-secret S3cretPass!", "AWS_SECRET_ACCESS_KEY=S3cretPass! aws s3 ls", "sshpass -p S3cretPass! ssh x" if False else "sshpass -pS3cretPass! ssh x",
    "gh auth login --token S3cretPass!", "twine upload --passphrase S3cretPass!", "echo githubToken: S3cretPass!", "redis-cli -u redis://x:S3cretPass!@api.example",
    "curl -H 'Authorization: token S3cretPass!' x", "curl -H 'Proxy-Authorization: Digest S3cretPass!' x", "curl --proxy-user a:S3cretPass! x", "echo 'client_secret = S3cretPass!'",
    "echo 'AccountKey=S3cretPass!;Endpoint=x'",
)  # fmt: skip
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nAAAEbm9uZQAAAAAAAAAB\n-----END OPENSSH PRIVATE KEY-----"


def planted() -> Iterator[tuple[str, str, str]]:
    """Name, script, and what must not be seen anywhere."""
    for name, token in TOKENS.items():
        for number, place in enumerate(PLACES):
            yield f"{name}-{number}", place.format(token), token
    for number, script in enumerate(PASSWORDS):
        yield f"password-{number}", script, "S3cretPass!"
    yield "key", f"echo '{KEY}' > src/k", "b3BlbnNzaC1rZXktdjEAAAAA"
    yield "key-cut", KEY[:70], "b3BlbnNzaC1rZXktdjEAAAAA"
