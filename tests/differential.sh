#!/usr/bin/env bash
# Holds what varde-agent sees in captures against what tshark sees in them: DNS questions and answers, TLS and QUIC hellos
# (SNI, ALPN, JA4 and with it ciphers and extensions), HTTP hosts. Prints for each file what differs, with the reason where
# there is one, and a total: the line that
# begins with B10 (the bar in performance.md) counts files, things compared, differences without a reason and crashes. Exit: 0 no difference without a reason, 1 some, 2 wrong usage.
#
#   tests/differential.sh DIR         every file below DIR that tshark can open (or one file)
#   tests/differential.sh --help      all options
#
# VARDE_AGENT names the program; else the newest one built here is taken, or one is built.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

if [ -z "${VARDE_AGENT:-}" ]; then
    target=${CARGO_TARGET_DIR:-$root/target}
    VARDE_AGENT=$(ls -t "$target"/release/varde-agent "$target"/debug/varde-agent 2>/dev/null | head -n 1 || true)
    if [ -z "$VARDE_AGENT" ]; then
        cargo build --quiet --manifest-path "$root/Cargo.toml" -p varde-agent
        VARDE_AGENT=$target/debug/varde-agent
    fi
fi
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/differential.py" --agent "$VARDE_AGENT" "$@"
