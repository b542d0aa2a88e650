# What the benchmarks against Postfix share; sourced by them, with `root` set. It comes out of Debian's package, which is
# unpacked under target/ (or SMTPSPEC_MTAS) and not installed.
target=${CARGO_TARGET_DIR:-$root/target}
folder=$target/bench-server
agents=${SMTPSPEC_MTAS:-$folder/mtas}
kit=$root/harness/cli/tests/support/mta
mkdir -p "$folder"
for tool in apt-get dpkg python3; do
    type -P "$tool" >/dev/null || { echo "missing: $tool (the Debian package postfix is needed)" >&2 && exit 2; }
done
# The second is for libnss_wrapper, which Postfix's own server runs with.
[ -x "$agents/postfix/usr/sbin/smtp-source" ] && [ -e "$agents/exim" ] || "$kit/install.sh" "$agents" exim postfix
# smtp-sink changes its root and its user, and wants to be told whom it may become.
privileges=()
[ "$(id -u)" != 0 ] || privileges=(-u nobody)
# In the place of this shell, so that whoever kills it in the background kills the program.
postfix() {
    exec env LD_LIBRARY_PATH="$agents/postfix/usr/lib/postfix" "$agents/postfix/usr/sbin/$1" "${@:2}"
}
# The time in nanoseconds, into the variable of that name. No program is started for it: it would share the processors with
# what is timed.
now() {
    local time=${EPOCHREALTIME/[.,]/}
    printf -v "$1" %s "${time}000"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# Waits until somebody listens on a port.
listening() { until (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; do sleep 0.05; done; }
. "$root/docs/served_port.sh"
