#!/bin/sh
# The licence of a base stays in what is built on it: end the build if a file is not where the matrix says.
set -eu
for file in ${LICENCE_FILES:-}; do
    if [ ! -s "$file" ]; then
        printf 'genkan: the base has no licence in %s; see where it is, and correct licence_files in the matrix.\n' "$file" >&2
        exit 1
    fi
done
