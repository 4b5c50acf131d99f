tools/environment sandbox
mkdir -p build/findings
image="$REGISTRY/$FLAVOUR:$CHANNEL"
digest=$(digest_of "$image")
if [ -z "$digest" ]; then
    printf '%s was never promoted.\n' "$FLAVOUR:$CHANNEL"
else
    image="$REGISTRY/$FLAVOUR@$digest"
    label='org.opencontainers.image.base'
    name=$(skopeo inspect --no-tags --format "{{index .Labels \"$label.name\"}}" "docker://$image")
    base=$(skopeo inspect --no-tags --format "{{index .Labels \"$label.digest\"}}" "docker://$image")
    skopeo copy --quiet "docker://$image" oci:build/image
    skopeo copy --quiet "docker://${name%:*}@$base" oci:build/base
    printf '%s\n' "$digest" >build/digest
fi
