#!/usr/bin/env bash
# The four tasks of the example, for main.nf and for its script twin alike, so that both make the same bytes.
# POSIX awk only: machines have mawk, gawk or busybox.
set -euo pipefail
export LC_ALL=C

# split FASTA SEQUENCES: chunk-01.fa, chunk-02.fa ... of that many sequences each, in this directory.
split() {
    awk -v size="$2" '
        /^>/ { if (seen++ % size == 0) { if (name) close(name); name = sprintf("chunk-%02d.fa", ++chunk) } }
        { print > name }' "$1"
}

# count CHUNK: one line of tab-separated numbers: sequences, bases, G or C, N, longest, name of the longest.
count() {
    awk '
        function measured() { if (length_ > longest) { longest = length_; name = id } length_ = 0 }
        /^>/ { measured(); id = substr($1, 2); sequences++; next }
        { length_ += length($0); bases += length($0); gc += gsub(/[GC]/, ""); n += gsub(/N/, "") }
        END { measured(); printf "%d\t%d\t%d\t%d\t%d\t%s\n", sequences, bases, gc, n, longest, name }' "$1"
}

# merge COUNTS...: the same line for all the chunks; files are taken by name, not as they came.
merge() {
    printf '%s\n' "$@" | sort | xargs cat | awk -F '\t' '
        { sequences += $1; bases += $2; gc += $3; n += $4; if ($5 > longest) { longest = $5; name = $6 } }
        END { printf "%d\t%d\t%d\t%d\t%d\t%s\t%d\n", sequences, bases, gc, n, longest, name, NR }'
}

# report TOTALS: the totals as JSON.
report() {
    awk -F '\t' '{
        printf "{\n  \"chunks\": %d,\n  \"sequences\": %d,\n  \"bases\": %d,\n", $7, $1, $2
        printf "  \"gc\": %d,\n  \"gc_percent\": %.2f,\n  \"unknown\": %d,\n", $3, 100 * $3 / ($2 - $4), $4
        printf "  \"longest\": \"%s\",\n  \"longest_bases\": %d\n}\n", $6, $5 }' "$1"
}

case "$1" in
    split | count | merge | report) "$@" ;;
    *) echo "tasks.sh: no task named $1" >&2; exit 2 ;;
esac
