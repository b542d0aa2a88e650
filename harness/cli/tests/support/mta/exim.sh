#!/bin/sh
# Serves with Exim: exim.sh SOFTWARE FOLDER PORT. Each message lands in FOLDER/mail, with CR LF as it came.
#
# Exim looks for its account by name and gives up root for it; it is run as an ordinary user that goes by that name here.
set -eu
software=$1/exim folder=$2 port=$3
exim=$software/usr/sbin/exim4
mkdir -p "$folder/spool" "$folder/log"

cat >"$folder/exim.conf" <<END
primary_hostname = exim.example
exim_path = $exim
spool_directory = $folder/spool
log_file_path = $folder/log/%slog
pid_file_path = $folder/exim.pid
keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP
local_interfaces = 127.0.0.1
tls_advertise_hosts =
host_lookup =
rfc1413_hosts =
message_size_limit = 100M
deliver_drop_privilege = true
smtp_enforce_sync = true
acl_smtp_rcpt = rcpt
acl_smtp_data = accept

begin acl
rcpt:
  accept domains = open.example
  accept domains = auth.example
         authenticated = *
  deny

begin routers
all:
  driver = accept
  transport = file

begin transports
file:
  driver = appendfile
  file = $folder/mail/\$message_exim_id
  message_prefix =
  message_suffix =
  check_string =
  escape_string =
  use_crlf
  use_lockfile = false
  mode = 0644
  mode_fail_narrower = false

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{\$auth2}{alice}}{eq{\$auth3}{wonder land 7}}}}
  server_set_id = \$auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = \${if and{{eq{\$auth1}{alice}}{eq{\$auth2}{wonder land 7}}}}
  server_set_id = \$auth1
END

user=$(id -u) group=$(id -g)
as_user=
if [ "$user" = 0 ]; then
    user=65534 group=65534
    chown -R "$user:$group" "$folder"
    as_user="setpriv --reuid $user --regid $group --clear-groups"
fi
chmod go-w "$folder/exim.conf"
printf 'root:x:0:0::/:/bin/sh\nDebian-exim:x:%s:%s::/:/bin/sh\n' "$user" "$group" >"$folder/passwd"
printf 'root:x:0:\nDebian-exim:x:%s:\n' "$group" >"$folder/group"
LD_PRELOAD=$(find "$software" -name libnss_wrapper.so)
NSS_WRAPPER_PASSWD=$folder/passwd
NSS_WRAPPER_GROUP=$folder/group
export LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
exec $as_user "$exim" -C "$folder/exim.conf" -bdf -oX "127.0.0.1.$port"
