unset REGISTRY_PASSWORD NVIDIA_REGISTRY_PASSWORD
if [ -f build/digest ]; then
    finding="build/findings/$FLAVOUR-$CHANNEL.txt"
    {
        printf '%s %s\n\n' "$FLAVOUR:$CHANNEL" "$(cat build/digest)"
        pinned trivy "$TRIVY_SHA256" &&
            trivy image --no-progress --format json --list-all-pkgs --scanners vuln \
                --input build/image --output build/image.json &&
            trivy image --no-progress --format json --list-all-pkgs --scanners vuln \
                --input build/base --output build/base.json &&
            .venv/bin/genkan images gate vulnerabilities build/image.json build/base.json
    } >"$finding" 2>&1 && passed=1 || passed=
    cat "$finding"
    [ -n "$passed" ]
    rm "$finding"
fi
