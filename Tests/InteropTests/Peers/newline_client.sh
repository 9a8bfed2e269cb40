#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lines through nc or socat against an echo server with newline framing:
# newline_client.sh nc|socat ADDRESS [--timeout SECONDS], or --digest.
set -eu
LC_ALL=C
export LC_ALL

usage='usage: nc|socat ADDRESS [--timeout SECONDS] | --digest'

fail() {
    echo "newline_client.sh: $*" >&2
    exit 1
}

# An empty line, UTF-8, a carriage return that belongs to the line, lines around 64 KiB and of 1 MiB, many small ones.
lines() {
    echo
    echo 'Zażółć gęślą jaźń. Привет, мир. 你好，世界。'
    printf 'with a carriage return\r\n'
    awk 'BEGIN {
        line = "0123456789abcdef"
        while (length(line) < 65536) line = line line
        print substr(line, 1, 65535)
        print line
        print line "x"
        while (length(line) < 1048576) line = line line
        print line
        for (number = 0; number < 2000; number++) print number ": " substr(line, 1, number * 97 % 301)
    }'
}

# The CRC-32 of the bytes on the wire, as in the other clients: gzip keeps one in its trailer, little-endian.
crc32() {
    gzip -c | tail -c 8 | od -An -tx1 -N4 | awk '{ print $4 $3 $2 $1 }'
}

# Bytes are counted without the newlines, which are framing.
report() {
    set -- "$1" "$(wc -l <"$1")" "$(wc -c <"$1")"
    echo "ok $2 messages $(($3 - $2)) bytes $(crc32 <"$1")"
}

# Both close the sending direction at the end of their input and read on until the server has closed too.
connect() {
    case $1 in
    nc) timeout --foreground "$seconds" nc -N -U "$2" ;;
    socat)
        case $2 in
        @*) target=ABSTRACT-CONNECT:${2#@} ;;
        *) target=UNIX-CONNECT:$2 ;;
        esac
        timeout --foreground "$seconds" socat -t "$seconds" - "$target"
        ;;
    *) fail "$usage" ;;
    esac
}

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
trap 'exit 1' HUP INT TERM
lines >"$directory/sent"
if [ "${1:-}" = --digest ]; then
    report "$directory/sent"
    exit
fi
seconds=30
case $#${3:-} in
2) ;;
4--timeout) seconds=$4 ;;
*) fail "$usage" ;;
esac

status=0
connect "$1" "$2" <"$directory/sent" >"$directory/received" 2>"$directory/errors" || status=$?
[ "$status" -ne 124 ] || fail "$1: not finished after $seconds s"
[ "$status" -eq 0 ] || fail "$1: status $status: $(head -n 1 "$directory/errors")"
difference=$(cmp "$directory/sent" "$directory/received" 2>&1) ||
    fail "$1: $(wc -l <"$directory/received") lines came back for $(wc -l <"$directory/sent"): ${difference##*/}"
report "$directory/received"
