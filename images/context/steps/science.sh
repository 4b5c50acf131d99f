#!/bin/sh
# What notebooks use on a base without a framework, for the base's own Python.
set -eu
# Where a site inspects its traffic: the certificates that it wants to be trusted, for this step alone.
[ ! -s /run/secrets/certificates ] || export PIP_CERT=/run/secrets/certificates
PIP_BREAK_SYSTEM_PACKAGES=1 "$BASE_PYTHON" -m pip install --no-cache-dir --disable-pip-version-check \
    --no-deps --require-hashes --requirement /run/genkan/scipy.txt
