pinned cosign "$COSIGN_SHA256"
there=$(digest_of "$REGISTRY/$FLAVOUR:$TAG")
if [ -n "$there" ] && [ "$there" != "$DIGEST" ]; then
    printf '%s is there already, with another content; raise its revision.\n' "$FLAVOUR:$TAG" >&2
    exit 1
fi
skopeo copy --preserve-digests \
    "docker://$STAGING_REGISTRY/$FLAVOUR@$DIGEST" "docker://$REGISTRY/$FLAVOUR:$TAG"
# shellcheck disable=SC2086  # a list of options
cosign sign --yes ${COSIGN_SIGN_OPTIONS:-} "$REGISTRY/$FLAVOUR@$DIGEST"
# shellcheck disable=SC2086  # the same
cosign attest --yes ${COSIGN_SIGN_OPTIONS:-} --type cyclonedx --predicate build/reports/sbom.json \
    "$REGISTRY/$FLAVOUR@$DIGEST"
