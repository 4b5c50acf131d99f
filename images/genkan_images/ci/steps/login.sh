umask 077
mkdir -p "$DOCKER_CONFIG"
for host in "${REGISTRY%%/*}" "${STAGING_REGISTRY%%/*}"; do
    printf '%s' "$REGISTRY_PASSWORD" | skopeo login --username "$REGISTRY_USER" --password-stdin "$host"
done
if [ -n "${NVIDIA_REGISTRY_USER:-}" ]; then
    printf '%s' "$NVIDIA_REGISTRY_PASSWORD" |
        skopeo login --username "$NVIDIA_REGISTRY_USER" --password-stdin "${NVIDIA_REGISTRY%%/*}"
fi
