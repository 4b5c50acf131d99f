#!/bin/bash
# Stands in for NVIDIA's: it sources what lies beside it, shows that it ran, and becomes the command.
for file in /opt/nvidia/entrypoint.d/*.sh; do
    # shellcheck source=/dev/null
    [ ! -r "$file" ] || source "$file"
done
if [ $# -eq 0 ]; then
    exec /bin/bash
fi
exec "$@"
