#!/usr/bin/env bash
# Runs the programs of another architecture under qemu-user: they start, see a board, and talk to each other.
#
#   smoke.sh "EMULATOR..." DIRECTORY      DIRECTORY holds dynd and dynctl
set -euo pipefail
cd "$(dirname "$0")/../.."

read -ra emulator <<<"$1"
bin=$2
work=$(mktemp -d)
daemon=
trap '[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true; rm -rf "$work"' EXIT

ctl() { "${emulator[@]}" "$bin/dynctl" --socket "$work/sock" "$@"; }
passed() { printf '  %-44s %s\n' "$1" "$2"; }
failed() {
    echo "$*" >&2
    cat "$work/log" >&2
    exit 1
}
: >"$work/log"

passed "dynd --version" "$("${emulator[@]}" "$bin/dynd" --version)"
ctl --help >"$work/help"
passed "dynctl --help" "$(wc -l <"$work/help") lines"

ctl board unpack board/tests/fixtures/jetson-xavier-nx.tree "$work/board" >/dev/null
# The names of the processors in the JSON of `dynctl board` or `dynctl status`.
processors() {
    python3 -c 'import json, sys
board = json.load(sys.stdin)
print(*(each["name"] for each in board.get("board", board)["processors"]), sep=", ")'
}
seen=$(ctl board --root "$work/board" --json | processors)
passed "dynctl board --root" "$seen"

"${emulator[@]}" "$bin/dynd" --root "$work/board" --socket "$work/sock" --run-dir "$work" --settings-dir "$work" \
    --dbus off 2>"$work/log" &
daemon=$!
for _ in $(seq 100); do
    [ -S "$work/sock" ] && break
    kill -0 "$daemon" 2>/dev/null || failed "dynd ended at its start:"
    sleep 0.1
done
served=$(ctl status --json | processors) ||
    failed "dynctl status gets no answer:"
[ "$served" = "$seen" ] || failed "dynd serves '$served', dynctl finds '$seen':"
passed "dynctl status, of dynd --root" "$served"
kill "$daemon"
wait "$daemon" || failed "dynd did not end well:"
daemon=
passed "dynd, told to end" "ended with 0"
