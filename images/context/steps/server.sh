#!/bin/sh
# The server's own Python, apart from the framework's: neither can break the other.
set -eu
# Where a site inspects its traffic: the certificates that it wants to be trusted, for this step alone.
[ ! -s /run/secrets/certificates ] || export PIP_CERT=/run/secrets/certificates
# NVIDIA's images hold pip to versions that belong to the framework, Jupyter's among them.
unset PIP_CONSTRAINT PIP_BREAK_SYSTEM_PACKAGES
/usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    printf 'genkan: the Python of the base is %s; the server needs 3.11 or newer.\n' "$(/usr/bin/python3 -V)" >&2
    exit 1
}
/usr/bin/python3 -m venv /opt/jupyter
/opt/jupyter/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes --requirement /run/genkan/server.txt
/opt/jupyter/bin/pip check
# Notebooks run on the framework's Python.
rm -rf /opt/jupyter/share/jupyter/kernels/python3
# NVIDIA's settings for a Jupyter that is started by hand: every user, every address, no token.
rm -f /usr/local/etc/jupyter/jupyter_notebook_config.* /usr/local/etc/jupyter/jupyter_server_config.*
# Not all of bin: the framework's python and pip stay the first on PATH.
for program in jupyter jupyter-lab jupyter-server jupyterhub-singleuser papermill; do
    ln -sf "/opt/jupyter/bin/$program" "/usr/local/bin/$program"
done
