"""What a head job's container does on any Batch service: one attempt of a run, then its end. Pure.

The container is any image with a shell: the script fetches Python and curl where they are missing, then the
runner from the control plane. What differs between runs comes in the variable HEADNODE_BOOT.
"""

import json
import re

BOOT = "HEADNODE_BOOT"
SCRIPT = """set -u
umask 077
etc=${HEADNODE_ROOT:-}/etc/headnode
lib=${HEADNODE_ROOT:-}/var/lib/headnode
mkdir -p "$etc" "$lib/bin"
printf '%s' "$HEADNODE_BOOT" > "$etc/boot.json"
unset HEADNODE_BOOT
need() {
  for each in "$@"; do
    command -v "$each" > /dev/null && continue
    dnf install -y "$each" || yum install -y "$each" ||
      { apt-get update && apt-get install -y "$each"; } || exit 97
  done
}
need python3
# In a container there is nothing to switch off: the end of the runner is the end of the job.
for each in shutdown poweroff halt; do
  printf '#!/bin/sh\\nkill -KILL %s\\n' '$PPID' > "$lib/bin/$each"
  chmod 700 "$lib/bin/$each"
done
PATH="$lib/bin:$PATH"
export PATH
fetch='import json,sys,urllib.request as u
url=json.load(open(sys.argv[1]))["control"]+"/headnode/runner.pyz"
open(sys.argv[2],"wb").write(u.urlopen(url,timeout=60).read())'
tries=0
until python3 -c "$fetch" "$etc/boot.json" "$lib/runner.pyz"; do
  tries=$((tries + 1))
  [ "$tries" -lt 10 ] || exit 98
  sleep $((tries * 3))
done
python3 "$lib/runner.pyz" --boot "$etc/boot.json" &
runner=$!
trap 'kill -TERM "$runner" 2> /dev/null' TERM INT HUP
while :; do
  wait "$runner"
  status=$?
  kill -0 "$runner" 2> /dev/null || break
done
[ ! -e "$lib/finished" ] || exit 0
exit "$status"
"""
BOOT_JSON = re.compile(r"^\s*(\{\"control\".*\})\s*$", re.MULTILINE)


def boot_json(document: str) -> str:
    """The boot.json that is in an attempt's cloud-init document: a container has no cloud-init. The document
    itself where it holds none."""
    found = BOOT_JSON.search(document)
    return json.dumps(json.loads(found[1]), separators=(",", ":")) if found else document
