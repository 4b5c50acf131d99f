if grep --quiet FRESH=true build/state.env; then
    tools/environment dev
    image="$STAGING_REGISTRY/$FLAVOUR:$TAG"
    CREATED=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    export CREATED
    REGISTRY="$STAGING_REGISTRY" .venv/bin/genkan images build "$TARGET"
    GENKAN_TEST_IMAGE="$image" .venv/bin/python -m pytest tests/images/test_built.py
    buildah push --digestfile build/digest "$image" "docker://$image-$RUN"
    printf 'DIGEST=%s\n' "$(cat build/digest)" >>build/state.env
fi
