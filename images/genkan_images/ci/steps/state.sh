mkdir -p build
published=$(digest_of "$REGISTRY/$FLAVOUR:$TAG")
promoted=$(digest_of "$REGISTRY/$FLAVOUR:$CHANNEL")
if [ -z "$published" ]; then
    printf 'FRESH=true\nPROMOTED=false\n' >build/state.env
else
    image="$REGISTRY/$FLAVOUR@$published"
    label='org.opencontainers.image.base.digest'
    built_on=$(skopeo inspect --no-tags --format "{{index .Labels \"$label\"}}" "docker://$image")
    if [ "$built_on" != "${BASE#*@}" ]; then
        printf '%s is there already, on another base; raise its revision.\n' "$FLAVOUR:$TAG" >&2
        exit 1
    fi
    printf '%s is there already, and is not built again.\n' "$FLAVOUR:$TAG"
    [ "$published" = "$promoted" ] && moved=true || moved=false
    printf 'DIGEST=%s\nFRESH=false\nPROMOTED=%s\n' "$published" "$moved" >build/state.env
fi
