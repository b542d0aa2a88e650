#!/bin/sh
# Serves with Postfix: postfix.sh SOFTWARE FOLDER PORT. Each message lands in FOLDER/mail/new, with LF and trace fields.
#
# Its master insists on root. It runs with a configuration, a queue and accounts of its own, and its agents as a user that
# exists nowhere else. What checks passwords is a stand-in for Dovecot's authentication.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
software=$1/postfix folder=$2 port=$3
mkdir -p "$folder/etc" "$folder/queue" "$folder/data"

cat >"$folder/etc/main.cf" <<END
compatibility_level = 3.6
myhostname = postfix.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
maillog_file = $folder/log
maillog_file_prefixes = $folder
queue_directory = $folder/queue
data_directory = $folder/data
command_directory = $software/usr/sbin
daemon_directory = $software/usr/lib/postfix/sbin
shlib_directory = $software/usr/lib/postfix
meta_directory = $folder/etc
mail_owner = smtpspec
setgid_group = smtpspecdrop
import_environment = MAIL_CONFIG LD_LIBRARY_PATH LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
message_size_limit = 100000000
virtual_mailbox_limit = 0
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = open.example, auth.example
virtual_mailbox_maps = static:mail/
virtual_mailbox_base = $folder
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = $folder/auth
smtpd_relay_restrictions =
smtpd_recipient_restrictions = permit_sasl_authenticated, check_recipient_access inline:{open.example=OK}, reject
smtputf8_enable = no
END
# What a benchmark wants besides.
printf '%s\n' "${POSTFIX_MORE-}" >>"$folder/etc/main.cf"
cat >"$folder/etc/master.cf" <<END
127.0.0.1:$port inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
END
printf 'root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\nsmtpspec:x:61001:61001::/:/bin/sh\n' >"$folder/passwd"
printf 'root:x:0:\nnogroup:x:65534:\nsmtpspec:x:61001:\nsmtpspecdrop:x:61002:\n' >"$folder/group"
LD_PRELOAD=$(find "$1" -name libnss_wrapper.so)
LD_LIBRARY_PATH=$software/usr/lib/postfix
NSS_WRAPPER_PASSWD=$folder/passwd
NSS_WRAPPER_GROUP=$folder/group
MAIL_CONFIG=$folder/etc
export LD_PRELOAD LD_LIBRARY_PATH NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP MAIL_CONFIG

cd "$folder/queue"
for queue in active bounce corrupt defer deferred flush hold incoming private saved trace; do
    mkdir -p "$queue"
    chown 61001 "$queue"
    chmod 700 "$queue"
done
mkdir -p maildrop public pid
chown 61001:61002 maildrop public
chmod 730 maildrop
chmod 710 public
chown 61001 "$folder/data"
chmod 700 "$folder/data"
chown 65534:65534 "$folder/mail"

python3 "$here/dovecot_auth.py" "$folder/auth" $$ &
exec "$software/usr/lib/postfix/sbin/master" -d -c "$folder/etc"
