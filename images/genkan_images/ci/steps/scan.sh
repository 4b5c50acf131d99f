unset REGISTRY_PASSWORD NVIDIA_REGISTRY_PASSWORD
pinned trivy "$TRIVY_SHA256"
pinned syft "$SYFT_SHA256"
mkdir -p build/reports
for image in image base; do
    trivy image --no-progress --format json --list-all-pkgs --scanners vuln \
        --input "build/$image" --output "build/reports/$image.json"
done
trivy image --no-progress --format json --scanners secret \
    --input build/image --output build/reports/secrets.json
syft scan --quiet oci-dir:build/image --output cyclonedx-json=build/reports/sbom.json
