#!/bin/sh
# Genkan's own programs and settings, small and last.
set -eu
packages=$(/opt/jupyter/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -R /run/genkan/context/genkan_singleuser "$packages/"
/opt/jupyter/bin/python -m compileall -q "$packages/genkan_singleuser"
for program in entrypoint start env; do
    install --mode=755 "/run/genkan/context/bin/genkan-$program" /usr/local/bin/
done
install -D --mode=644 /run/genkan/context/jupyter/jupyter_server_config.json \
    /opt/jupyter/etc/jupyter/jupyter_server_config.d/genkan.json
install -D --mode=644 /run/genkan/context/jupyter/labconfig/page_config.json \
    /opt/jupyter/etc/jupyter/labconfig/page_config.json
mkdir -p /opt/genkan
cp -R /run/genkan/context/skeleton /opt/genkan/
chmod -R a+rX /opt/genkan
