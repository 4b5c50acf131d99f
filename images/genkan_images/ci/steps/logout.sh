rm -rf "$DOCKER_CONFIG" build/kubeconfig
