"""A restriction holds in every spelling that its program takes, and in no other."""

from __future__ import annotations

import pytest

from policy_lang import Policy, PolicyError
from policy_lang.domain.limits import limit

EVERYTHING = """
policy "p"
tier review { approvers "@team" }
allow connect "**"
allow read, write, delete "./"
allow push, force-push "**"
allow run "{curl,rm,aws,cargo,docker,helm,npm,kubectl,git,terraform,tool,find,tar,sed,chmod,pip,python3,python3.11} **"
"""
RULES = [
    (
        "curl -X DELETE **",
        "curl -X DELETE a.x;curl -XDELETE a.x;curl -s -X DELETE a.x;curl a.x -X DELETE;curl --request=DELETE a.x;"
        "curl --request DELETE a.x;curl -sXDELETE a.x;curl -X GET -X DELETE a.x",
        "curl -X GET a.x;curl a.x;curl --request=POST a.x;curl -H DELETE a.x;curl a.x -o DELETE",
    ),
    ("curl --request=DELETE **", "curl -X DELETE a.x;curl a.x --request DELETE", "curl -X GET a.x;curl a.x"),
    ("curl -XDELETE **", "curl --request=DELETE a.x;curl -X DELETE a.x", "curl -XPUT a.x;curl -X GET a.x"),
    ("curl -XD* **", "curl --request=DELETE a.x;curl -X DEL a.x", "curl -XPUT a.x;curl a.x"),
    (
        "rm -rf **",
        "rm -fr x;rm -r -f x;rm -f -r x;rm --recursive --force x;rm x -rf;rm -R -f x;rm -vrf x;rm --rec --for x",
        "rm -r x;rm -f x;rm x;rm -- -rf",
    ),
    ("rm -r* **", "rm -r x;rm -fr x;rm --recursive x", "rm -f x;rm x"),
    ("aws s3 rb **", "aws --profile p s3 rb s3://b;aws s3 --profile p rb b;aws s3 rb --profile p b", "aws s3 ls b"),
    (
        "kubectl -n prod **",
        "kubectl get po -n prod;kubectl --namespace=prod get po;kubectl get po -nprod;kubectl get --namespace prod po",
        "kubectl get po -n dev;kubectl get po;kubectl get prod",
    ),
    (
        "docker run ** --privileged **",
        "docker container run --privileged a;docker run -it --privileged a;docker --context c container run --privileged a",
        "docker container run a;docker container ls;docker image ls",
    ),
    (
        "docker container rm -f **",
        "docker rm -f a;docker container rm --force a;docker rm a -f",
        "docker rm a;docker container ls;docker container rm a",
    ),
    ("kubectl delete ns prod", "kubectl -n p delete ns prod;kubectl delete ns prod --force", "kubectl delete ns dev"),
    ("git clone --depth 1 **", "git clone --depth=1 https://a.x/b;git clone https://a.x/b --depth 1 -q", "git clone https://a.x/b"),
    ("git -p log **", "git --no-pager -p log;git --paginate log;git -p --no-pager log", "git log;git log -p"),
    ("git commit -m * **", "git commit -mx;git commit --message=x;git commit -am x", "git status"),
    ("git push --force* **", "git push -f;git push --force-with-lease=x;git push x -f y", "git push x y"),
    ("git * --force **", "git push -f x y;git push x --force y", "git push x y"),
    ("* push --force **", "git push -f x y;tool push --force", "git push x y;tool push"),
    ("terraform apply -var env=prod **", "terraform apply -var=env=prod;terraform apply --var env=prod", "terraform apply -var env=dev"),
    ("tar -xf * **", "tar -x -f a;tar --extract --file=a;tar -xvf a;tar -f a -x", "tar -cf a x;tar -tf a"),
    ("pip list -o", "pip list --outdated;pip -v list -o", "pip list"),
    ("tool --env prod **", "tool --env=prod;tool x --env prod;tool -v --env prod x", "tool --env dev;tool prod"),
    ("tool --env=prod **", "tool --env prod;tool x --env=prod;tool x --env prod", "tool --env dev;tool --env=dev"),
    ("tool -e prod **", "tool -eprod;tool -e=prod;tool x -e prod;tool -ve prod", "tool -e dev;tool prod"),
    ("helm delete **", "helm uninstall x;helm -n p un x;helm del x --wait", "helm list"),
    ("helm diff upgrade **", "helm -n p diff upgrade x;helm diff --set a=b upgrade x", "helm diff x"),
    ("helm * web", "helm -n p delete web;helm --debug diff web", "helm -n p list x;helm web"),
    ("helm * * **", "helm diff x;helm -n p delete web", "helm x;helm"),
    ("docker compose down **", "docker compose -f a down;docker --debug compose -p x down -v", "docker compose up"),
    ("cargo publish --dry-run **", "cargo +nightly publish --dry-run;cargo -q publish x --dry-run", "cargo publish"),
    ("tool -rf **", "tool -fr x;tool -r -f x;tool x -rf", "tool x;tool -f x"),
    ("tool s3 rb **", "tool --profile p s3 rb x;tool s3 --profile p rb x;tool -p s3 rb x;tool -- s3 rb", "tool s3 ls;tool rb s3"),
]  # fmt: skip
OPTIONS = [
    ("rm **", "-rf", "rm -fr x;rm -r -f x;rm --recursive --force x;rm x -R -f", "rm -r x;rm -f x;rm x"),
    (
        "docker compose down **",
        "-v",
        "docker compose down --volumes;docker compose -p x down -v",
        "docker compose down",
    ),
    ("kubectl **", "--namespace=prod", "kubectl -n prod get po;kubectl get po --namespace=prod", "kubectl get po"),
    ("curl **", "--request={PUT,DELETE}", "curl -X PUT a.x;curl -sX DELETE a.x", "curl -X GET a.x;curl a.x"),
    ("tool **", "--method=D*", "tool --method=DELETE;tool x --method DELETE", "tool --method GET;tool DELETE"),
    ("tool **", "-rf", "tool -rf;tool -f -r;tool -fr", "tool -f;tool -r x;tool x"),
]


def effects(rule: str, commands: str, grants: str = EVERYTHING) -> dict[str, str]:
    policy = Policy.loads(grants + rule)
    found = {c: policy.decide(action="run", resource=c, workspace="/w", lexical=True) for c in commands.split(";")}
    return {c: next(e.verdict.effect for e in d.effects if e.action == "run") for c, d in found.items()}


@pytest.mark.parametrize(("pattern", "held", "left"), RULES)
def test_a_pattern_is_read_by_its_program(pattern: str, held: str, left: str) -> None:
    assert set(effects(f'deny run "{pattern}"', held).values()) == {"deny"}
    assert set(effects(f'ask review run "{pattern}"', held).values()) == {"ask"}
    assert set(effects(f'deny run "{pattern}"', left).values()) == {"allow"}, effects(f'deny run "{pattern}"', left)


@pytest.mark.parametrize(("pattern", "held", "left"), RULES)
def test_an_exception_of_a_grant_holds_in_every_spelling(pattern: str, held: str, left: str) -> None:
    grants = EVERYTHING.rpartition("allow")[0]
    rule = f'allow run "{pattern.split(maxsplit=1)[0]} **" except "{pattern}"'
    found = {c: e for c, e in effects(rule, held, grants).items() if c.split()[0] == pattern.split(maxsplit=1)[0]}
    assert set(found.values()) == {"deny"} or pattern.startswith("*"), found
    found = {c: e for c, e in effects(rule, left, grants).items() if c.split()[0] == pattern.split(maxsplit=1)[0]}
    assert set(found.values()) == {"allow"} or pattern.startswith("*"), found


@pytest.mark.parametrize(("pattern", "option", "held", "left"), OPTIONS)
def test_an_option_is_named_with_others_or_a_value(pattern: str, option: str, held: str, left: str) -> None:
    assert set(effects(f'deny run "{pattern}" with "{option}"', held).values()) == {"deny"}
    assert set(effects(f'deny run "{pattern}" with "{option}"', left).values()) == {"allow"}
    grants = EVERYTHING.rpartition("allow")[0]
    assert set(effects(f'allow run "{pattern}" without "{option}"', held, grants).values()) == {"deny"}
    assert set(effects(f'allow run "{pattern}" without "{option}"', left, grants).values()) == {"allow"}


def test_a_grant_with_a_value_holds_for_that_value_alone() -> None:
    grants = EVERYTHING.rpartition("allow")[0]
    found = effects(
        'allow run "curl **" with "-X=GET"', "curl -X GET a.x;curl a.x;curl -XGET a.x -X PUT;curl -XPUT a.x", grants
    )
    assert list(found.values()) == ["allow", "deny", "deny", "deny"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--method=", "names no value"), ("--method={a,}", "has an empty value"), ("--method=[", "malformed"),
        ("method=x", "is not a valid option"), ("-=x", "is not a valid option"),
    ],
)  # fmt: skip
def test_a_malformed_option_is_refused(option: str, message: str) -> None:
    with pytest.raises(PolicyError, match=message):
        Policy.loads(f'policy "p"\nallow run "x **" with "{option}"\n')


def test_a_command_with_too_many_readings_may_be_any() -> None:
    def decided(options: int) -> str:
        # each option may take the word behind it, or the one after
        words = " ".join(f"-o{i} a{i}" for i in range(options))
        rule = "".join(f'deny run "tool {"* " * i}end"\n' for i in range(1, 600))
        return effects(rule, f"tool {words} x")[f"tool {words} x"]

    most = limit("command_readings")  # each option doubles what may be operands: up to as many as there are options
    assert decided(most // 2) == "allow"
    assert decided(most // 2 + 1) == "deny"


def test_a_pattern_with_too_many_readings_is_any_command_of_its_program() -> None:
    def decided(options: int) -> str:  # each option may take the word behind it: two readings
        words = " ".join(f"--o{i} a{i}" for i in range(options))
        return effects(f'deny run "tool {words} end"', "tool x")["tool x"]

    most = limit("command_readings")
    assert most == 2**8
    assert decided(8) == "allow"
    assert decided(9) == "deny"


@pytest.mark.parametrize(
    ("grant", "allowed", "denied"),
    [
        ("bash scripts/*", "bash scripts/a.sh;bash scripts/a..b;bash scripts/..a", "bash scripts/../e;bash scripts/.."),
        ("tool --opt=scripts/*", "tool --opt=scripts/x", "tool --opt=scripts/../x;tool --opt=scripts/a/.."),
        ("tool ?*", "tool x;tool main..dev", "tool ../x;tool ..;tool a:../x"),
        ("tool ../x", "tool ../x", "tool ../y"), ("tool {../x,y}", "tool ../x;tool y", "tool ../y"),
        ("tool **", "tool ../x", "other"), ("tool -C ../x log", "tool -C ../x log", "tool -C ../y log"),
        ("bash scripts/*", "bash scripts/x", 'bash "scripts/$1";bash "scripts/$1/x"'),
    ],
)  # fmt: skip
def test_no_wildcard_inside_a_word_of_a_grant_stands_for_the_folder_above(
    grant: str, allowed: str, denied: str
) -> None:
    rule = f'allow run "{grant}"'
    assert set(effects(rule, allowed, 'policy "p"\n').values()) == {"allow"}
    assert set(effects(rule, denied, 'policy "p"\n').values()) == {"deny"}
    both = 'policy "p"\ntier review { approvers "@team" }\nallow run "{tool,bash,git} **"\n'
    assert set(effects(f'deny run "{grant}"', allowed, both).values()) == {"deny"}
    if "*" in grant and "**" not in grant:  # what restricts holds for those words as well
        assert set(effects(f'deny run "{grant}"', denied, both).values()) == {"deny"}
        assert set(effects(f'ask review run "{grant}"', denied, both).values()) == {"ask"}


def test_a_grant_names_the_folder_above_in_words_without_wildcards() -> None:
    with pytest.raises(PolicyError, match=r"grants nothing"):
        Policy.loads('policy "p"\nallow run "tool ../*"\n')
    assert Policy.loads('policy "p"\nallow run "tool ../x"\ndeny run "tool ../*"\n')


def test_a_command_that_cannot_be_read_is_known_by_every_spelling_of_its_options() -> None:
    for rule in (
        'deny run "curl -X DELETE **"',
        'deny run "curl **" with "-X=DELETE"',
        'deny run "helm un -n prod **"',
    ):
        grants = 'policy "p"\nallow run opaque, "{curl,helm} **"\nallow connect "**"\n'
        held = "curl --what --request DELETE a.x;helm --what x delete y --namespace=prod"
        found = effects(rule, ";".join(c for c in held.split(";") if c.split()[0] in rule), grants)
        assert set(found.values()) == {"deny"}, (rule, found)
