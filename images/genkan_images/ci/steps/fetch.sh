tools/environment sandbox
case $SOURCE in
nvidia) from="$NVIDIA_REGISTRY" ;;
library) from="$LIBRARY_REGISTRY" ;;
esac
skopeo copy --quiet "docker://$STAGING_REGISTRY/$FLAVOUR@$DIGEST" oci:build/image
skopeo copy --quiet "docker://$from/$BASE" oci:build/base
