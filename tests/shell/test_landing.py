"""What is fetched from elsewhere lands under its own name in the folder that is named, or under one that a server picks."""

from __future__ import annotations

from pathlib import Path

import pytest

from policy_lang import Policy

POLICY = """
policy "p"
allow run "**"
allow read,write,delete "./"
allow connect "**:*"
deny read,write,delete "keep/**","**/.env",".git/hooks/**"
"""

DENIED = [
    "scp h:a keep/", "scp h:a keep", "cd keep && scp h:a .", "scp -P 22 u@h:a h:b keep", "rsync h:a keep/", "rsync -z h:a ./keep/", "scp h:.env .", "scp h:x/.env src", "scp h:x/.env src/",
    "scp h:.env src/../src", "rsync h:x/.env src/", "rsync h:m :x/.env src/", "rsync h::m/.env src/", "rsync rsync://h/m/.env src/", "scp scp://h/x/.env .", "scp h:'x/*' src/", "scp h:x/.en? src/", 'scp h:"$1" src/', "rsync -R h:x/keep/a .",
    "scp /tmp/.env src/", "scp -r h:x src/", "scp h:pre-commit .git/hooks/", "aws s3 cp s3://b/x keep/", "aws s3 cp s3://b/.env .", "aws s3 mv s3://b/x/.env src/", "gsutil cp gs://b/x keep/", "gsutil cp gs://b/a gs://b/.env src",
    "gsutil cp 'gs://b/*' src/", "kubectl cp p:/x keep/", "kubectl cp ns/p:/x/.env src/", "docker cp c:/x keep/", "docker cp c:/x/.env .", "docker cp c:/x/. .", "cp /tmp/.env src/",
    "curl -OJ https://h.example/x", "curl -J -O https://h.example/x", "curl -J --remote-name-all https://h.example/x", "cd src && curl -OJ https://h.example/x", "curl -O https://h.example/.env", "curl -O 'https://h.example/.env?x=1'", "curl -O 'https://h.example/.env#x'", "curl -O 'https://h.example/.{env,x}'",
    "curl --remote-name-all https://h.example/.env", "curl -O --output-dir keep https://h.example/a", "wget --content-disposition https://h.example/x", "wget --trust-server-names https://h.example/x", "wget --content-disposition -P src https://h.example/x",
    "wget https://h.example/.env", "wget https://h.example/%2Eenv", "wget -P keep https://h.example/a", "wget -x -nH https://h.example/keep/a", "wget -m https://h.example/",
]  # fmt: skip
ALLOWED = [
    "scp h:a src/", "scp h:a .", "scp u@h:x/a h:b src", "scp a h:keep/", "scp h:env src/", "rsync h:x/a src/", "rsync -z h:a src/b", "rsync src/a h:keep/", "aws s3 cp s3://b/x src/", "aws s3 cp src/a s3://b/.env", "aws s3 cp s3://b/x new.txt",
    "gsutil cp gs://b/x src/", "gsutil cp src/a gs://b/keep/", "kubectl cp p:/x/a src/", "docker cp c:/x/a src/", "docker cp src/a c:/keep/", "cp src/a new", "curl -O https://h.example/a", "curl -J https://h.example/x",
    "wget https://h.example/a.tgz", "wget -P src https://h.example/a", "wget --content-disposition -O src/x https://h.example/x", "wget --spider --content-disposition https://h.example/x",
]  # fmt: skip


def effect(script: str, workspace: Path) -> str:
    policy = Policy.loads(POLICY, "/elsewhere/p.policy")
    return str(policy.decide(action="run", resource=script, workspace=str(workspace), home="/home/me").effect)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    for name in ("keep/a", "src/a", "open/x", ".git/hooks/x"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


@pytest.mark.parametrize("script", DENIED)
def test_what_lands_in_a_folder_has_a_name_there(workspace: Path, script: str) -> None:
    assert effect(script, workspace) == "deny"


@pytest.mark.parametrize("script", ALLOWED)
def test_what_lands_elsewhere_is_free(workspace: Path, script: str) -> None:
    assert effect(script, workspace) == "allow"
