#!/usr/bin/env bash
# A release of this commit for a network without internet: scripts/build-airgap-bundle.sh [TAG] (--help says the rest).
set -euo pipefail
for name in OUT_DIR SIGNING_KEY RUNSC; do # as seen from where it was called
  [ -z "${!name:-}" ] || export "$name=$(realpath --canonicalize-missing -- "${!name}")"
done
cd "$(dirname "$0")/.."
scripts/setup
exec scripts/as-engine-user .venv/bin/python -m scripts.build_airgap_bundle "$@"
