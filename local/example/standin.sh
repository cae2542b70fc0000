#!/bin/sh
# Stands in for `nextflow` on a machine that has none: runs main.sh, the script twin beside a pipeline's main.nf.
# Understands `run PIPELINE [--outdir DIR] [-params-file FILE]` and ignores all other options.
case "${1-}" in -version | -v | --version) echo "script stand-in, version 0: no Nextflow here"; exit 0 ;; esac

running='' pipeline='' outdir='' params='' option=''
for argument in "$@"; do
    case "$option" in
        --outdir) outdir=$argument ;;
        -params-file) params=$argument ;;
        *)
            case "$argument" in --outdir=*) outdir=${argument#--outdir=} ;; run) running=yes ;; esac
            if [ -n "$running" ] && [ -z "$pipeline" ]; then
                [ ! -f "$argument" ] || argument=$(dirname "$argument")
                [ ! -f "$argument/main.sh" ] || pipeline=$argument
            fi
            ;;
    esac
    option=$argument
done

if [ -z "$pipeline" ]; then
    echo "nextflow: there is no Nextflow on this machine, and no main.sh to run in its place" >&2
    exit 1
fi
if [ -z "$outdir" ] && [ -f "$params" ]; then
    # JSON or YAML: either way the value stands behind "outdir:", perhaps in quotes.
    name='outdir"\{0,1\}[[:space:]]*:[[:space:]]*"\{0,1\}'
    outdir=$(sed -n "s/.*$name\([^\",}]*\).*/\1/p" "$params" | head -n 1)
fi
OUTDIR=${outdir:-${OUTDIR:-results}} exec bash "$pipeline/main.sh"
