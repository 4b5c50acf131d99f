pinned cosign "$COSIGN_SHA256"
image="$REGISTRY/$FLAVOUR@$DIGEST"
# shellcheck disable=SC2086  # a list of options
cosign verify ${COSIGN_VERIFY_OPTIONS:-} --output text "$image"
skopeo copy --preserve-digests "docker://$image" "docker://$REGISTRY/$FLAVOUR:$CHANNEL"
