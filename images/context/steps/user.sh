#!/bin/sh
# The user with id 1000 and group 100; a base may have another one with this id, as Ubuntu's does.
set -eu
taken=$(getent passwd 1000 | cut -d : -f 1)
if [ -n "$taken" ]; then
    userdel --remove "$taken" 2>/dev/null || userdel "$taken"
fi
getent group 100 >/dev/null || groupadd --gid 100 users
useradd --no-log-init --create-home --no-user-group --uid 1000 --gid 100 --shell /bin/bash jovyan
# A cluster may choose the user id, and keep the group.
chmod 2775 /home/jovyan
