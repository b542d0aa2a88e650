#!/usr/bin/env bash
# The HTML page of an audit with ten thousand conversations: its size, what making it costs over the same audit as JSON Lines, and how long Chromium takes until it can be searched. Both audits run in the same run; the ratio is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --quiet -p smtpspec
cargo build --release --quiet -p smtpspec-lab --example synthetic
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target/release/examples/synthetic "${MEGABYTES:-3600}" > "$work/long.pcapng"
smtpspec=target/release/smtpspec

seconds() { # FORMAT
    local begin end
    begin=$(date +%s.%N)
    "$smtpspec" audit "$work/long.pcapng" --format "$1" --quiet > "$work/report.$1" || [ $? -eq 1 ]
    end=$(date +%s.%N)
    echo "$end - $begin" | bc
}
jsonl=$(seconds jsonl)
html=$(seconds html)
text=$(seconds text)
count=$(grep -c '"type":"conversation"' "$work/report.jsonl")
size=$(stat -c %s "$work/report.html")
echo "conversations             $count"
echo "page                      $size bytes ($(echo "scale=2; $size / 1048576" | bc) MiB)"
echo "audit as text             $text s"
echo "audit as JSON Lines       $jsonl s"
echo "audit as a page           $html s"
echo "the page over text        $(echo "$html - $text" | bc) s more"

# Chromium from its start to its end, with the page and with an empty one: what is between them is the page. The root is marked by
# the page's own script once it can be searched, or the run does not count.
browse() { # FILE
    local begin end
    begin=$(date +%s.%N)
    chromium --headless --no-sandbox --disable-gpu --user-data-dir="$work/profile" --virtual-time-budget=5000 --dump-dom "file://$1" \
        > "$work/dom.html" 2> /dev/null
    end=$(date +%s.%N)
    echo "$end - $begin" | bc
}
echo '<!doctype html><title>empty</title>' > "$work/empty.html"
browse "$work/empty.html" > /dev/null
empty=$(browse "$work/empty.html")
page=$(browse "$work/report.html")
grep -q 'data-ready="true"' "$work/dom.html" || { echo "the page never became usable" >&2; exit 1; }
echo "Chromium, an empty page   $empty s"
echo "Chromium, this page       $page s until it can be searched"
