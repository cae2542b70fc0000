"""The shell scripts that start a Nextflow which was put together here."""

# What Groovy, Kryo and GPars reach by reflection; a JVM since 17 refuses that unless told otherwise.
# fmt: off
OPENS = [
    "java.io", "java.lang", "java.lang.reflect", "java.math", "java.net", "java.nio", "java.nio.file.spi",
    "java.text", "java.time", "java.util", "java.util.concurrent", "java.util.concurrent.atomic",
    "java.util.concurrent.locks", "java.util.regex", "sun.nio.ch", "sun.nio.fs",
    "sun.net.www.protocol.file", "sun.net.www.protocol.http", "sun.net.www.protocol.https",
    "jdk.internal.misc", "jdk.internal.vm",
]
# fmt: on

# The launchers find their own place, so that a finished directory can be renamed and linked to.
HEAD = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
: "${NXF_HOME:=$here/home}"
export NXF_HOME NXF_DISABLE_CHECK_LATEST=true
"""

# Plugins that were built here.
PLUGINS = """: "${NXF_PLUGINS_DIR:=$here/plugins}"
export NXF_PLUGINS_DIR
"""

# Nextflow without its nf-tower plugin fails on -with-tower, and even on an access token in the environment.
# The runner reports start and end by itself: a run without task reports is worth more than none, and says so.
NO_TOWER = """
unset TOWER_ACCESS_TOKEN TOWER_REFRESH_TOKEN
left=$# dropped=
while [ "$left" -gt 0 ]; do
    argument=$1; shift; left=$((left - 1))
    if [ "$argument" = -with-tower ]; then
        dropped=yes
        case "$left ${1-}" in "0 "*) ;; *" http://"*|*" https://"*) shift; left=$((left - 1)) ;; esac
    else
        set -- "$@" "$argument"
    fi
done
[ -z "$dropped" ] || echo "nextflow: no nf-tower plugin here; tasks are not reported" >&2
"""


def head(tower: bool) -> str:
    """How a launcher begins: its own place, and without the nf-tower plugin what has to be left out."""
    return HEAD + ("" if tower else NO_TOWER)


def java_flags() -> str:
    """The JVM's flags, one to a line of a shell command; then the user's own, as Nextflow's launcher does."""
    opens = "".join(f" \\\n    --add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENS)
    return f"{opens} \\\n    ${{NXF_OPTS-}}"
