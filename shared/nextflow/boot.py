"""The user data that turns a fresh machine into the runner of one attempt.

A cloud-config document: two files that only root may read, and one command. The shell in it does as
little as it can: arm the machine's own timer, find Python, fetch the runner, start it, and power off
whatever happened. Everything else is the runner's business.
"""

import json
import math
import re
import shlex
import textwrap
from functools import cache

LIMIT = 16_384
"""Bytes of user data that EC2 accepts (before base64). Azure takes 65,535 of custom data."""

DOCUMENT = """#cloud-config
# One machine for one attempt of one run. It powers off by itself.
write_files:
  - path: /etc/headnode/boot.json
    permissions: "0600"
    owner: root:root
    content: |
{boot}
  - path: /etc/headnode/report.conf
    permissions: "0600"
    owner: root:root
    content: |
{report}
  - path: /etc/headnode/boot.sh
    permissions: "0700"
    owner: root:root
    content: |
{script}
runcmd:
  - [sh, -c, 'exec sh "${{HEADNODE_ROOT:-}}/etc/headnode/boot.sh"']
"""

SCRIPT = r"""#!/bin/sh
# HEADNODE_ROOT is only set where a machine is emulated without a root of its own.
set -u
root=${HEADNODE_ROOT:-}
PATH=${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin
HOME=${HOME:-/root}
export PATH HOME
etc=$root/etc/headnode
lib=$root/var/lib/headnode
log=$lib/boot.log
control=@CONTROL@
deadline=@DEADLINE@
longest=@MINUTES@

# The guard comes first: from here on the machine ends by itself, whatever hangs.
minutes=$(( (deadline - $(date +%s) + 59) / 60 ))
[ "$minutes" -ge 1 ] || minutes=1
[ "$minutes" -le "$longest" ] || minutes=$longest
shutdown -h "+$minutes" || true
if [ -d /run/systemd/system ] && command -v systemd-run > /dev/null; then
  systemd-run --quiet --on-active="${minutes}m" shutdown -h now || true
fi

mkdir -p "$lib"
chmod 700 "$lib"
: > "$log"
step=boot

# Tells which step failed, with the end of its output. The token is in a file: arguments are public.
# shellcheck disable=SC2317  # reached by the trap
report() {
  words=$(tail -c 1200 "$log" | tr -c '[:print:]' ' ' | tr '\\"' '  ')
  printf '{"event":"end","step":"%s","error":"%s failed with status %s","message":"%s","exit_status":null}' \
    "$step" "$step" "$1" "$words" > "$lib/failed.json"
  curl --config "$etc/report.conf" --data "@$lib/failed.json" || true
}

# shellcheck disable=SC2317  # reached by the trap
ended() {
  trap - EXIT
  cat "$log"
  [ -e "$lib/finished" ] || report "$1"
  shutdown -h now || poweroff || halt -p
}
trap 'ended $?' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command for so many seconds at most, output to the log.
within() {
  seconds=$1
  shift
  if command -v timeout > /dev/null; then
    timeout "$seconds" "$@" >> "$log" 2>&1
  else
    "$@" >> "$log" 2>&1
  fi
}

need() {
  if command -v dnf > /dev/null; then
    within 300 dnf install -y "$@"
  elif command -v yum > /dev/null; then
    within 300 yum install -y "$@"
  elif command -v apt-get > /dev/null; then
    # A fresh Ubuntu may be busy with its packages for a while.
    for pause in 5 10 20 40 1; do
      within 120 apt-get update && break
      sleep "$pause"
    done
    within 300 env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
      apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends "$@"
  else
    echo "no package manager here can install $*" >> "$log"
    return 1
  fi
}

step='find python3'
command -v python3 > /dev/null || need python3 || exit 1
step='find curl'
command -v curl > /dev/null || need curl || exit 1

step='download the runner'
tries=0
pause=1
runner_url=$control/headnode/runner.pyz
until within 90 curl -fsS --connect-timeout 10 --max-time 60 -o "$lib/runner.pyz" "$runner_url"; do
  tries=$((tries + 1))
  [ "$tries" -lt 20 ] || exit 1
  sleep "$pause"
  [ "$pause" -ge 30 ] || pause=$((pause * 2))
done

# The runner reports and powers off by itself; what follows it only happens when it could not.
step='run the runner'
python3 "$lib/runner.pyz" --boot "$etc/boot.json" &
runner=$!
trap 'kill -TERM "$runner" 2> /dev/null' TERM INT HUP
while :; do
  wait "$runner"
  status=$?
  kill -0 "$runner" 2> /dev/null || break
done
exit "$status"
"""


CONTROL = re.compile(r"[\x00-\x1f]")


def boot_document(
    *, control_url: str, run_id: str, attempt: int, token: str, deadline: float, now: float
) -> str:
    """The cloud-init document for an attempt, less than LIMIT bytes. Pure.

    `deadline` and `now` are epoch seconds (UTC); `now` is when the attempt was made, so that the same
    attempt always gives the same bytes. It bounds the machine's own timer where its clock is wrong."""
    control = control_url.rstrip("/")
    end = math.ceil(deadline)
    boot = {"control": control, "run": run_id, "attempt": attempt, "token": token, "deadline": end}
    report = [
        f"url = {quoted(f'{control}/headnode/machine/{run_id}/{attempt}/report')}",
        f"header = {quoted(f'Authorization: Bearer {token}')}",
        'header = "Content-Type: application/json"',
        "silent",
        "show-error",
        "max-time = 20",
        "retry = 5",
    ]
    script = (
        indented_script()
        .replace("@CONTROL@", shlex.quote(control))
        .replace("@DEADLINE@", str(end))
        .replace("@MINUTES@", str(max(1, math.ceil((deadline - now) / 60))))
    )
    return DOCUMENT.format(boot=indented(json.dumps(boot)), report=indented("\n".join(report)), script=script)


@cache
def indented_script() -> str:
    """The script, indented once: it is most of every launch's user data."""
    return indented(SCRIPT)


def quoted(text: str) -> str:
    """A value in a curl configuration file. Raises ValueError for what cannot stand there."""
    if CONTROL.search(text):
        raise ValueError("control characters in an address or token")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def indented(text: str) -> str:
    """A block of text as the content of a YAML literal."""
    return textwrap.indent(text.rstrip("\n"), " " * 6)
