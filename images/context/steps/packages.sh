#!/bin/sh
# Debian's or Ubuntu's packages, with names that both have.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends \
    ca-certificates \
    fonts-noto-cjk \
    git \
    git-lfs \
    less \
    locales \
    openssh-client \
    python3 \
    python3-venv \
    tini \
    tmux \
    "$@"
localedef --inputfile=en_US --charmap=UTF-8 en_US.UTF-8
localedef --inputfile=ja_JP --charmap=UTF-8 ja_JP.UTF-8
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache
