"""Options, operands and standard input in which programs take a secret: data, from their manuals.

Names that announce themselves (`--password X`, `DB_PASS=X`) need no row; `secret_names.py` knows them. This is no part
of the profiles of `shell`: those are about what a command does, exactly or not at all, and what is redacted is often no
command that can be read: prose, another shell, a broken script. Each row is `programs [| words] : places`. The words
occur behind the program in this order. Places:

    -p       the word behind this option, and what follows it after `=`
    -p*      what is written in one with it: `-pX`, `pass:X`, `/p:X`
    -u:      as `-p`, and the secret is what follows the first `:` (or the character that is given)
    -b;      as `-p`, cookies: what follows each `=`
    +2       the second word behind that is no option; + alone is the last one; with a character as above
    =*       the value of each `NAME=VALUE`
    ~        the word behind one that names a secret
    <        standard input: a here-document or here-string, or what `echo` and `printf` send down a pipe; `<:` as above
    -~b      no place, but one of the words: options in one with this letter
"""

from __future__ import annotations

FIRST = frozenset(
    (
        "set",
        "export",
        "setenv",
        "read",
        "pass",
        "op",
        "net",
        "step",
        "http",
        "cast",
        "mc",
        "ab",
        "security",
        "wg",
        "jwt",
        "realm",
        "forge",
    )
)
"""Programs that are ordinary words as well: they count as a command's first word alone."""
ROWS = """
docker podman buildah nerdctl oras crane skopeo regctl helm | login : -p <
docker podman | secret create : <
skopeo : --dest-creds: --src-creds: --creds: --dest-registry-token --src-registry-token
gh | auth login : <
gh | secret set : -b --body <
gh | variable set : -b
glab | auth login : -t <
az | login : -p <
az | sql : -p
az | devops login : <
az | acr login : -p
az | keyvault secret set : --value
az | storage : --account-key --sas-token --connection-string
aws | ssm put-parameter : --value
aws | secretsmanager : --secret-string
aws | sts : --token-code
gcloud | auth activate-refresh-token : +2
gcloud | secrets : <
oc | login : -p
argocd | login : --password
kubectl | create secret : --docker-password
kubeseal : <
rancher | login : -t
twine | upload : -p
poetry | publish : -p
poetry | config http-basic. : +2
poetry | config pypi-token. : +1
npm | config set : ~
yarn pnpm | config set : ~
npm | publish : --otp
cargo | login : +1
gem | push : --key -k
gem | signin : <
dotnet | nuget push : -k
nuget | setapikey : +1
mvn : --encrypt-password --encrypt-master-password
composer | config : ~ +3
bundle | config : +3:
conda | config : ~
luarocks : --api-key
mysql mysqldump mysqladmin mysqlimport mysqlshow mysqlpump mysqlsh mariadb mariadb-dump mariadb-admin mycli : -p*
mysqladmin | password : +1
redis-cli valkey-cli keydb-cli : -a --pass -u:
redis-cli valkey-cli | auth : +
redis-cli | requirepass : +
mongosh mongo mongodump mongorestore mongoexport mongoimport mongotop mongostat : -p -p*
sqlcmd bcp osql isql : -P -P*
sqlplus sqlldr expdp impdp rman : +1/
cqlsh cypher-shell arangosh couchbase-cli cbq snowsql : -p --server.password
influx : -t
etcdctl : --user:
elasticsearch-users | useradd : -p
rabbitmqctl | add_user : +2
rabbitmqctl | change_password : +2
rabbitmqctl | authenticate_user : +2
rabbitmqadmin : -p
mc mcli | alias set : +3 +4
s3cmd : --access_key --secret_key
ftp lftp ncftp ncftpput ncftpget : -u, -p
nxc crackmapexec netexec evil-winrm hydra medusa : -p
nats : --password --creds
curl wget2 : -u: --user: -U: --proxy-user: -b; --cookie; --pass --proxy-pass --tlspassword --proxy-tlspassword --oauth2-bearer
curlie : -u: -b;
wget aria2c : --http-password --http-passwd --ftp-password --ftp-passwd --proxy-password --password
http https xh httpie : -a: --auth:
ab : -A: -P: -C;
siege hey vegeta wrk bombardier : -a:
svn : --password
sshpass : -p -p*
plink pscp psftp putty klink kscp : -pw
xfreerdp wlfreerdp xfreerdp3 : /p:*
rdesktop : -p
smbclient smbmap smbget smbpasswd rpcclient net smbcacls nmblookup : -U% --user% --password
net | user : +2
net | ads : -U%
ipmitool : -P
snmpget snmpwalk snmpset snmpbulkwalk snmptrap snmpgetnext snmptable : -A -X -c
chpasswd chgpasswd : <:
passwd : <
sudo doas su : <
kinit ksu kpasswd : <
useradd usermod adduser : -p
htpasswd | -~b : +
mkpasswd : + <
vncpasswd : <
openssl | passwd : + <
openssl | enc : -k -K
openssl : pass:* -hmac -macopt:
apksigner : pass:*
zip zipcloak unzip zipinfo funzip bsdtar : -P -P*
7z 7za 7zr 7zz p7zip rar unrar unar : -p* -hp* -p
gpg gpg2 : --passphrase <
keytool jarsigner : -storepass -keypass -srcstorepass -deststorepass -srckeypass -destkeypass -new
qpdf | --encrypt : +1 +2
qpdf : --password
pdftk | user_pw : +1
pdftk | owner_pw : +1
pdftk | input_pw : +1
pdftotext pdfinfo pdfimages pdftoppm : -upw -opw
cryptsetup | luksOpen : <
cryptsetup | luksFormat : <
cryptsetup : <
veracrypt : -p
ccrypt ccencrypt ccdecrypt : -K --key
mcrypt mdecrypt : -k
rclone | obscure : +1
rclone | config create : ~
osslsigncode : -pass
signtool | sign : /p
security | add-generic-password : -w
security | add-internet-password : -w
security | unlock-keychain : -p
security | set-key-partition-list : -k
security | import : -P
security | create-keychain : -p
secret-tool | store : <
pass | insert : <
lpass | login : <
bw | unlock : +1
bw | login : +2 --code
keyctl | add : +3
op : <
vault | login : +1 <
vault | operator unseal : +1
vault | kv put : value=* =*
vault | write : password=* token=* value=* key=*
consul | kv put : ~
consul | acl token : -token
nomad : -token
chamber | write : +3
credstash | put : +2
berglas | create : +2
conjur | variable set : -v
dotenv | set : ~ +2
pulumi | config set : ~
pulumi | login : <
ansible-vault | encrypt_string : +1 <
ngrok | config add-authtoken : +1
ngrok | authtoken : +1
cloudflared | service install : +1
doppler | secrets set : ~
circleci | context store-secret : <
doveadm | auth test : +2
doctl | auth init : -t
hcloud | context create : <
databricks | configure : <
terraform | login : <
wrangler | secret put : <
vercel | env add : <
netlify : --auth
netlify | env:set : ~
heroku : <
launchctl | setenv : ~
setx : ~
set export setenv : ~
aws | configure set : ~
git | config : ~
ldapsearch ldapmodify ldapadd ldapdelete ldapcompare ldapmodrdn ldapwhoami ldapexop dsconf dsidm dsctl : -w -w*
ldappasswd : -s -a -w
slappasswd : -s
samba-tool : --newpassword --password
ipa : <
realm : <
ovhai : -p
eas | login : -p
linode-cli hcloud : --token
swaks : -ap --auth-password
sendemail : -xp
mosquitto_pub mosquitto_sub mosquitto_rr : -P
ntfy : --token -t -u:
wandb | login : +1
snyk | auth : +1
sentry-cli : --auth-token
splunk : -auth: -password
plesk : -passwd
jenkins-cli jenkins-cli.jar : -auth:
steamcmd | +login : +2
wpa_passphrase : +2
nmcli | password : +1
iwctl : --passphrase
smtp-cli : --pass
google-authenticator : <
oathtool : + <
pkcs11-tool pkcs15-tool opensc-tool yubico-piv-tool ykman gs-tool : --pin --new-pin -P --puk --so-pin
solana-keygen | recover : <
bitcoin-cli | walletpassphrase : +1
cast forge : --private-key --mnemonic
wg | private-key : <
jwt | decode : +1
step | crypto jwt : <
semgrep : --token
codeclimate-test-reporter cc-test-reporter : -t -r
codecov : -t
fastlane : --git_basic_authorization
ssh-keygen : -N -P
scw | init : secret-key=*
ibmcloud : --apikey
virsh | secret-set-value : +2 --base64
boundary | authenticate : -password
vmware-cmd : -P
jf jfrog : --access-token --apikey
tailscale : --auth-key --authkey
kubeadm | join : --token
firebase : --token
jira : --token
code-server : --password
jupyter : --NotebookApp.token --IdentityProvider.token
geth : <
read : <
algolia datadog-agent : --api-key
travis | encrypt : =*
fetchmail mutt : --pass
"""
