#!/usr/bin/env bash
# The script twin of main.nf, for a machine that has no Nextflow: same input, same tasks, same result bytes.
#   OUTDIR   where summary.json goes (default: results)
#   INPUT    the FASTA file (default: the bundled one)
#   PAUSE    seconds that each task takes longer (default: 2)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
outdir=${OUTDIR:-results}
input=$(realpath "${INPUT:-$here/data/sequences.fa}")
pause=${PAUSE:-2}
sequences=12
width=$(nproc 2>/dev/null || echo 2)

# printf is of bash itself, so a line is written at once and is never held back in a buffer.
say() { printf '%s\n' "$*"; }
task() { bash "$here/tasks.sh" "$@"; }

count_chunk() {
    sleep "$pause"
    task count "$1" > "${1%.fa}.tsv"
    say "counted: ${1%.fa}"
}

mkdir -p "$outdir"
outdir=$(cd "$outdir" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

say "main.sh: the script twin of main.nf (no Nextflow here)"
say "Submitted task > SPLIT"
task split "$input" "$sequences"
sleep "$pause"
for chunk in chunk-*.fa; do say "split: $chunk"; done

# As many at a time as there are cores. Waiting for each by its id makes a failed task fail the script.
pending=()
for chunk in chunk-*.fa; do
    if [ "${#pending[@]}" -ge "$width" ]; then
        wait "${pending[0]}"
        pending=("${pending[@]:1}")
    fi
    say "Submitted task > COUNT (${chunk%.fa})"
    count_chunk "$chunk" &
    pending+=("$!")
done
for id in ${pending[@]+"${pending[@]}"}; do wait "$id"; done

say "Submitted task > MERGE"
sleep "$pause"
task merge chunk-*.tsv > totals.tsv

say "Submitted task > REPORT"
task report totals.tsv > summary.json
cp summary.json "$outdir/summary.json"
say "summary: $(cat summary.json)"
