"""Secrets that have a form of their own: the issuer's prefix, or what stands around them.

Data, with a source for each. Facts alone are taken from the sources: which prefix, which letters, how many. A form begins
with one of its literals or at the beginning of a word, and what follows is bounded or possessive, so hostile text costs
no more than other text.
"""

from __future__ import annotations

_T = "[A-Za-z0-9]"
_D = "[A-Za-z0-9_-]"
_H = "[0-9a-f]"
_B = "[A-Za-z0-9+/]"
_GITLEAKS = "github.com/gitleaks/gitleaks config/gitleaks.toml"
_TRUFFLEHOG = "github.com/trufflesecurity/trufflehog pkg/detectors"

VENDORS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("adafruit-key", ("aio_",), rf"\baio_{_T}{{26,32}}\b", "io.adafruit.com/api/docs"),
    ("age-key", ("AGE-SECRET-KEY-",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,64}", "age-encryption.org/v1"),
    ("airtable-token", ("pat",), rf"\bpat{_T}{{14}}\.{_H}{{64}}", "airtable.com/developers/web/guides/personal-access-tokens"),
    ("alibaba-key", ("LTAI",), rf"\bLTAI{_T}{{12,26}}\b", _GITLEAKS),
    ("anthropic-key", ("sk-ant-",), rf"\bsk-ant-{_D}{{10,255}}", "docs.anthropic.com/en/api/admin-api"),
    ("artifactory-key", ("AKCp", "cmVmdGtu"), rf"\b(?:AKCp{_T}{{50,80}}|cmVmdGtu{_T}{{40,80}})", _GITLEAKS),
    ("asana-token", ("1/",), rf"(?<![A-Za-z0-9/])[12]/[0-9]{{13,18}}:{_H}{{32}}", "developers.asana.com/docs/personal-access-token"),
    ("atlassian-token", ("ATATT3", "ATCTT3", "ATBB"), r"\b(?:AT(?:ATT|CTT)3[A-Za-z0-9_=-]{20,512}|ATBB[A-Za-z0-9_=.-]{24,64})", "support.atlassian.com/bitbucket-cloud/docs/app-passwords"),
    ("aws-access-key", ("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b", "docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html"),
    ("aws-session", ("IQoJb3JpZ2luX2Vj", "FwoGZXIvYXdz"), r"\b(?:IQoJb3JpZ2luX2Vj|FwoGZXIvYXdz)[A-Za-z0-9+/=]{20,2048}", "docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html"),
    ("azure-secret", ("Q~",), r"(?<![A-Za-z0-9_.~-])[A-Za-z0-9_.~-]{3}[0-9]Q~[A-Za-z0-9_.~-]{31,34}", _GITLEAKS),
    ("brevo-key", ("xkeysib-", "xsmtpsib-"), rf"\bx(?:key|smtp)sib-{_H}{{60,64}}-{_T}{{16}}", _GITLEAKS),
    ("buildkite-token", ("bkua_", "bkaj_"), rf"\bbk(?:ua|aj)_{_T}{{32,64}}", "buildkite.com/docs/apis/managing-api-tokens"),
    ("circleci-token", ("CCIPAT_", "CCIPRJ_"), rf"\bCCIP(?:AT|RJ)_{_T}{{16,32}}_{_H}{{40}}", "circleci.com/docs/managing-api-tokens"),
    ("clickhouse-key", ("4b1d",), rf"\b4b1d{_T}{{38}}\b", _GITLEAKS),
    ("clojars-token", ("CLOJARS_",), r"\bCLOJARS_[a-z0-9]{60}", _GITLEAKS),
    ("cloudflare-ca-key", ("v1.0-",), rf"\bv1\.0-{_H}{{24}}-{_H}{{146}}", _GITLEAKS),
    ("conda-token", ("/t/",), rf"/t/(?P<secret>[a-z]{{2}}-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}})", "docs.anaconda.com/anaconda-org/user-guide/work-with-accounts"),
    ("contentful-token", ("CFPAT-",), rf"\bCFPAT-{_D}{{40,48}}", "contentful.com/developers/docs/references/authentication"),
    ("crates-token", ("cio",), rf"\bcio{_T}{{32}}\b", "crates.io/me (github.com/rust-lang/crates.io src/util/token.rs)"),
    ("databricks-token", ("dapi",), rf"\bdapi{_H}{{32}}(?:-[0-9])?\b", _GITLEAKS),
    ("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), rf"\bdo[opr]_v1_{_H}{{40,80}}", "docs.digitalocean.com/reference/api/create-personal-access-token"),
    ("discord-token", (".",), rf"(?<![A-Za-z0-9_.-])[MNO]{_D}{{22,27}}\.{_D}{{6}}\.{_D}{{27,40}}(?![A-Za-z0-9_.-])", "discord.com/developers/docs/reference#authentication"),
    ("discord-webhook", ("/api/webhooks/",), rf"/api/webhooks/(?P<secret>[0-9]{{10,25}}/{_D}{{20,100}})", "discord.com/developers/docs/resources/webhook"),
    ("docker-token", ("dckr_pat_", "dckr_oat_"), rf"\bdckr_[po]at_{_D}{{20,64}}", "docs.docker.com/security/access-tokens"),
    ("doppler-token", ("dp.",), r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{20,128}", "docs.doppler.com/reference/auth-token-formats"),
    ("duffel-token", ("duffel_",), rf"\bduffel_(?:test|live)_{_D}{{40,48}}", _GITLEAKS),
    ("dynatrace-token", ("dt0",), r"\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}", "docs.dynatrace.com/docs/manage/identity-access-management/access-tokens-and-oauth-clients/access-tokens"),
    ("dropbox-token", ("sl.",), rf"\bsl\.{_D}{{60,2048}}", _GITLEAKS),
    ("easypost-key", ("EZAK", "EZTK"), rf"\bEZ[AT]K{_T}{{54}}", _GITLEAKS),
    ("facebook-token", ("EAA",), rf"\bEAA{_T}{{80,512}}", _GITLEAKS),
    ("figma-token", ("figd_", "figo_"), rf"\bfig[do]_{_D}{{20,64}}", "developers.figma.com/docs/rest-api/authentication"),
    ("firecrawl-key", ("fc-",), rf"\bfc-{_H}{{32}}\b", "docs.firecrawl.dev/api-reference/introduction"),
    ("fly-token", ("fo1_", "fm1", "fm2_"), rf"\b(?:fo1_{_D}{{43}}|fm1[ar]_[A-Za-z0-9+/=]{{60,}}|fm2_[A-Za-z0-9+/=,_]{{60,2048}})", _GITLEAKS),
    ("frameio-token", ("fio-u-",), rf"\bfio-u-{_D}{{40,64}}", _GITLEAKS),
    ("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"), r"\b(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{20,255}", "docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github"),
    ("gitlab-token", ("gl", "GR1348941"), r"\b(?:gl(?:pat|dt|rt|ptt|cbt|soat|ft|imt|agent|oas|ffct)-[A-Za-z0-9_.-]{20,255}|GR1348941[A-Za-z0-9_-]{20,64})", "docs.gitlab.com/security/tokens"),
    ("google-key", ("AIza",), rf"\bAIza{_D}{{30,50}}", "cloud.google.com/docs/authentication/api-keys"),
    ("google-oauth", ("ya29.", "GOCSPX-", "1//0"), rf"\b(?:ya29\.[A-Za-z0-9_.-]{{20,2048}}|GOCSPX-{_D}{{20,64}}|1//0{_D}{{20,512}})", "cloud.google.com/docs/authentication/token-types"),
    ("grafana-token", ("glsa_", "glc_", "eyJrIjoi"), rf"\b(?:glsa_{_T}{{32}}_{_H}{{8}}|glc_[A-Za-z0-9+/=]{{32,400}}|eyJrIjoi[A-Za-z0-9+/=]{{60,400}})", _GITLEAKS),
    ("groq-key", ("gsk_",), rf"\bgsk_{_T}{{40,64}}", _TRUFFLEHOG),
    ("heroku-key", ("HRKU-",), rf"\bHRKU-{_D}{{36,70}}", _GITLEAKS),
    ("hubspot-token", ("pat-",), rf"\bpat-[a-z]{{2}}[0-9]-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}", "developers.hubspot.com/docs/guides/apps/private-apps/overview"),
    ("huggingface-token", ("hf_", "api_org_"), rf"\b(?:hf|api_org)_{_T}{{20,64}}", "huggingface.co/docs/hub/security-tokens"),
    ("infracost-key", ("ico-",), rf"\bico-{_T}{{32}}\b", _GITLEAKS),
    ("langfuse-key", ("sk-lf-",), rf"\bsk-lf-{_D}{{20,64}}", "langfuse.com/docs/api"),
    ("langsmith-key", ("lsv2_",), rf"\blsv2_(?:pt|sk)_{_H}{{32}}_{_H}{{10}}", _TRUFFLEHOG),
    ("linear-key", ("lin_api_", "lin_oauth_"), rf"\blin_(?:api|oauth)_{_T}{{20,64}}", "linear.app/developers/graphql"),
    ("mailchimp-key", ("-us",), rf"\b{_H}{{32}}-us[0-9]{{1,2}}\b", "mailchimp.com/developer/marketing/guides/quick-start"),
    ("mailgun-key", ("key-", "pubkey-"), rf"\b(?:pub)?key-{_H}{{32}}\b", _GITLEAKS),
    ("mapbox-token", ("sk.eyJ", "tk.eyJ"), rf"\b[st]k\.eyJ{_D}{{20,512}}\.{_D}{{10,64}}", "docs.mapbox.com/api/accounts/tokens"),
    ("maxmind-key", ("_mmk",), rf"\b{_T}{{6}}_{_T}{{29}}_mmk\b", _GITLEAKS),
    ("mongodb-atlas-key", ("mdb_sa_sk_",), rf"\bmdb_sa_sk_{_D}{{30,64}}", _TRUFFLEHOG),
    ("netlify-token", ("nfp_",), rf"\bnfp_{_T}{{30,64}}", _TRUFFLEHOG),
    ("newrelic-key", ("NRAK-", "NRJS-", "NRII-", "NRAL"), r"\b(?:NRAK-[A-Z0-9]{20,40}|NRJS-[a-f0-9]{19}|NRII-[A-Za-z0-9_-]{32}|[a-z0-9]{36}NRAL\b)", "docs.newrelic.com/docs/apis/intro-apis/new-relic-api-keys"),
    ("notion-token", ("ntn_", "secret_"), rf"\b(?:ntn_{_T}{{30,64}}|secret_{_T}{{43}}\b)", "developers.notion.com/docs/authorization"),
    ("npm-token", ("npm_",), rf"\bnpm_{_T}{{20,64}}", "github.blog/changelog/2021-09-23-npm-has-a-new-access-token-format"),
    ("nuget-key", ("oy2",), r"\boy2[a-z0-9]{43}\b", _TRUFFLEHOG),
    ("nvidia-key", ("nvapi-",), rf"\bnvapi-{_D}{{40,80}}", _TRUFFLEHOG),
    ("octopus-key", ("API-",), r"\bAPI-[A-Z0-9]{26}\b", _GITLEAKS),
    ("onepassword-token", ("ops_eyJ", "A3-"), r"\b(?:ops_eyJ[A-Za-z0-9+/=_-]{60,4096}|A3-[A-Z0-9]{6}(?:-[A-Z0-9]{5,11}){4,5})", _GITLEAKS),
    ("openai-key", ("sk-",), rf"\bsk-{_D}{{20,255}}", "platform.openai.com/docs/api-reference/authentication"),
    ("openshift-token", ("sha256~",), rf"\bsha256~{_D}{{43}}", _GITLEAKS),
    ("perplexity-key", ("pplx-",), rf"\bpplx-{_T}{{40,64}}", _GITLEAKS),
    ("pinecone-key", ("pcsk_",), rf"\bpcsk_{_T}{{4,8}}_{_T}{{40,80}}", _TRUFFLEHOG),
    ("plaid-token", ("access-",), rf"\baccess-(?:sandbox|development|production)-{_H}{{8}}(?:-{_H}{{4}}){{3}}-{_H}{{12}}", _GITLEAKS),
    ("planetscale-token", ("pscale_",), rf"\bpscale_(?:tkn|pw|oauth)_{_D}{{32,64}}", _GITLEAKS),
    ("postman-key", ("PMAK-",), rf"\bPMAK-{_H}{{24}}-{_H}{{34}}", _GITLEAKS),
    ("prefect-key", ("pnu_", "pnb_"), rf"\bpn[ub]_{_T}{{36}}", _GITLEAKS),
    ("pulumi-token", ("pul-",), rf"\bpul-{_H}{{40}}", _GITLEAKS),
    ("pypi-token", ("pypi-Ag",), rf"\bpypi-Ag{_D}{{16,512}}", "pypi.org/help/#apitoken"),
    ("readme-key", ("rdme_",), rf"\brdme_{_T}{{64,80}}", _GITLEAKS),
    ("render-key", ("rnd_",), rf"\brnd_{_T}{{28,40}}\b", "render.com/docs/api"),
    ("replicate-token", ("r8_",), rf"\br8_{_T}{{37}}", "replicate.com/docs/topics/security/api-tokens"),
    ("resend-key", ("re_",), rf"\bre_{_T}{{8}}_{_T}{{24}}\b", _TRUFFLEHOG),
    ("rubygems-key", ("rubygems_",), rf"\brubygems_{_H}{{32,64}}", "guides.rubygems.org/api-key-scopes"),
    ("scalingo-token", ("tk-us-",), rf"\btk-us-{_D}{{48}}", _GITLEAKS),
    ("sendgrid-key", ("SG.",), rf"\bSG\.{_D}{{16,32}}\.{_D}{{16,64}}", "docs.sendgrid.com/ui/account-and-settings/api-keys"),
    ("sentry-token", ("sntrys_", "sntryu_"), r"\bsntry[su]_[A-Za-z0-9_+/=-]{40,512}", "docs.sentry.io/account/auth-tokens"),
    ("shopify-token", ("shp",), r"\bshp(?:at|ca|pa|ss|tka)_[a-fA-F0-9]{32}", "shopify.dev/changelog/length-of-the-shopify-access-token-is-increasing"),
    ("slack-token", ("xox", "xapp-", "xwfp-"), r"\b(?:xox[abdeoprs]-|xoxe\.xox[bp]-|xapp-|xwfp-)[A-Za-z0-9._%-]{10,255}", "docs.slack.dev/authentication/tokens"),
    ("slack-webhook", ("hooks.slack.com",), r"hooks\.slack\.com/(?P<secret>(?:services|workflows|triggers)/[A-Za-z0-9/_-]{10,255})", "docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"),
    ("sonar-token", ("squ_", "sqp_", "sqa_"), rf"\bsq[upa]_{_H}{{40}}", "docs.sonarsource.com/sonarqube-server/user-guide/managing-tokens"),
    ("sourcegraph-token", ("sgp_", "slk_"), rf"\b(?:sgp_(?:{_H}{{16}}_|local_)?{_H}{{40}}|slk_{_H}{{64}})", _GITLEAKS),
    ("square-token", ("sq0", "EAAA"), rf"\b(?:sq0[a-z]{{3}}-{_D}{{22,43}}|EAAA{_D}{{60}})", "developer.squareup.com/docs/build-basics/access-tokens"),
    ("stripe-key", ("_live_", "_test_", "whsec_"), rf"\b(?:[sr]k_(?:live|test)_|whsec_){_T}{{10,255}}", "docs.stripe.com/keys"),
    ("elevenlabs-key", ("sk_",), rf"\bsk_{_H}{{48}}\b", _TRUFFLEHOG),
    ("supabase-token", ("sbp_", "sb_secret_"), rf"\b(?:sbp_{_H}{{40}}|sb_secret_{_D}{{20,64}})", "supabase.com/docs/guides/api/api-keys"),
    ("swarm-token", ("SWMTKN-",), r"\bSWMTKN-1-[a-z0-9]{40,60}-[a-z0-9]{20,32}", "docs.docker.com/engine/swarm/join-nodes"),
    ("tailscale-key", ("tskey-",), rf"\btskey-[a-z]{{3,10}}-{_T}{{8,32}}-{_T}{{16,64}}", "tailscale.com/kb/1085/auth-keys"),
    ("tavily-key", ("tvly-",), rf"\btvly-{_D}{{20,64}}", "docs.tavily.com/documentation/api-reference/introduction"),
    ("teams-webhook", ("webhook.office.com",), r"webhook\.office\.com/(?P<secret>webhookb2/[A-Za-z0-9@/_-]{60,300})", _GITLEAKS),
    ("telegram-token", (":AA",), rf"(?<![0-9])[0-9]{{8,10}}:AA{_D}{{32,40}}", "core.telegram.org/bots/api#authorizing-your-bot"),
    ("terraform-token", (".atlasv1.",), rf"\b{_T}{{14}}\.atlasv1\.{_D}{{60,70}}", _GITLEAKS),
    ("twilio-key", ("SK",), rf"\bSK{_H}{{32}}\b", "twilio.com/docs/iam/api-keys"),
    ("twitter-token", ("AAAAAAAAAAAAAAAAAAAA",), r"\bA{20,22}[A-Za-z0-9%]{60,120}", _GITLEAKS),
    ("typeform-token", ("tfp_",), rf"\btfp_{_D}{{40,64}}", _GITLEAKS),
    ("vault-token", ("hv", "s."), rf"(?:\bhv[sbr]\.{_D}{{20,255}}|(?<![A-Za-z0-9_./@:-])s\.{_T}{{24}}(?![A-Za-z0-9_.-]))", "developer.hashicorp.com/vault/docs/concepts/tokens"),
    ("xai-key", ("xai-",), rf"\bxai-{_T}{{70,90}}", "docs.x.ai/docs/overview"),
    ("yandex-key", ("AQVN", "t1."), rf"\b(?:AQVN{_D}{{35,38}}|t1\.[A-Z0-9a-z_-]{{7,400}}={{0,2}}\.{_D}{{86}}={{0,2}})", _GITLEAKS),
)  # fmt: skip
"""Kind, texts of which one must occur, expression, source; its group `secret`, or all of it, is the secret."""

_PRIVATE = (
    "BSU0EgUFJJVkFURSBLRVkt|BFQyBQUklWQVRFIEtFWS0t|BPUEVOU1NIIFBSSVZBVEUg|BQUklWQVRFIEtFWS0tLS0t|BFTkNSWVBURUQgUFJJVkFU"
    "|BEU0EgUFJJVkFURSBLRVkt|BQR1AgUFJJVkFURSBLRVkg"
)
_LINES = rf"{_B}{{16,4096}}+={{0,2}}(?:(?:\\{{1,2}}n|[ \t\r\n]){{1,4}}+{_B}{{16,4096}}+={{0,2}}){{0,200}}+"
KEYS: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("braintree-token", ("access_token",), rf"access_token\\?\$(?:production|sandbox)\\?\$[a-z0-9]{{16}}\\?\${_H}{{32}}", _TRUFFLEHOG),
    ("private-key", ("-----BEGIN ",), r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY", "RFC 7468"),
    ("key-body", ("MII", "MHcCAQEE", "MC4CAQAwBQYDK2VwBCIEI", "b3BlbnNzaC1rZXktdjE"), rf"(?<![A-Za-z0-9+/])(?:MII[A-Za-z0-9+/]{{2,4}}(?:IBAAK[CB]|IBADANBg)|MHcCAQEE|MC4CAQAwBQYDK2VwBCIEI|b3BlbnNzaC1rZXktdjE){_LINES}", "RFC 8017 A.1.2, RFC 5958, RFC 5915, openssh PROTOCOL.key"),
    ("key-base64", ("LS0tLS1CRUdJTi",), rf"LS0tLS1CRUdJTi(?:{_PRIVATE}){_LINES}", "RFC 7468, in base64"),
    ("putty-key", ("Private-Lines:",), rf"Private-Lines: ?[0-9]{{1,4}}\s{{1,4}}(?P<secret>{_LINES})", "the.earth.li/~sgtatham/putty/0.83/htmldoc/AppendixC.html"),
    ("jwk", ('"kty"',), rf'"kty"[^{{}}]{{0,256}}?"(?:d|k)"\s{{0,4}}:\s{{0,4}}"(?P<secret>{_D}{{20,1024}})"', "RFC 7517, RFC 7518"),
    ("jwt", ("eyJ",), rf"(?<![A-Za-z0-9_-])eyJ{_D}{{8,2048}}+\.{_D}{{4,8192}}+(?:\.{_D}{{0,2048}}+)?", "RFC 7519"),
    ("cloudflared-token", ("eyJhIjoi",), r"\beyJhIjoi[A-Za-z0-9+/=_-]{100,400}", "developers.cloudflare.com/cloudflare-one/networks/connectors/cloudflare-tunnel"),
    ("password-hash", ("$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$gy$", "$apr1$", "$argon2", "$pbkdf2", "$scrypt$"), r"\$(?:[1567]|2[abxy]|y|gy|apr1|argon2(?:id|i|d)|pbkdf2[a-z0-9-]{0,12}|scrypt)\$[A-Za-z0-9./$=,+-]{20,300}", "crypt(5)"),
    ("url-path", ("/hook", "/webhook", "/invite/", "/reset/"), rf"/(?:(?:web)?hooks?|invite|reset)/(?P<secret>{_D}{{20,256}})(?![A-Za-z0-9_.-])", "w3.org/TR/capability-urls"),
    ("url-password", ("://",), r"(?<!ssh)://(?P<secret>[^\s/@'\"?#]{1,512}+)@", "RFC 3986 3.2.1"),
)  # fmt: skip
"""The same for keys and for secrets of common standards."""
