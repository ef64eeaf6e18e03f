#!/bin/bash
# Asks Wireshark's CQL dissector about every request frame of tests/vectors/cql and of the recorded session: each must
# be dissected as the message its file is named after, and none may be malformed. The bytes that our own code sends
# are the same ones: tests/cql compares them. Needs tshark and text2pcap; PORT is what the dissector listens to.
set -euo pipefail
cd "$(dirname "$0")/../cql"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

frames() { # FILE: one frame a line
  case $1 in
    session.txt) sed -n 's/^> //p' "$1" ;;
    *) sed 's/^[#=].*/\n/' "$1" | awk 'NF == 0 { if (t) print t; t = ""; next } { t = t $0 } END { if (t) print t }' ;;
  esac
}

for name in session.txt startup options query prepare execute register batch auth_response; do
  file=$name
  [ "$name" = session.txt ] || file=$name.hex
  while read -r frame; do
    echo "$frame" | xxd -r -p | od -Ax -tx1 -v >"$tmp/hex"
    text2pcap -q -T 40000,9042 "$tmp/hex" "$tmp/pcap" 2>/dev/null
    said=$(tshark -r "$tmp/pcap" -V 2>/dev/null)
    if ! grep -q "Cassandra CQL Protocol" <<<"$said" || grep -qi "malformed" <<<"$said"; then
      echo "$name: not understood: $frame" >&2
      failed=1
    elif [ "$name" != session.txt ] && ! grep -qi "Opcode: ${name}" <<<"$said"; then
      echo "$name: taken for something else: $frame" >&2
      failed=1
    fi
  done < <(frames "$file")
done
[ $failed = 0 ] && echo "tshark understands every request"
exit $failed
