tools/environment sandbox
mkdir -p build
{
    printf '{'
    comma=
    for image in $IMAGES; do
        # TARGET=FLAVOUR:TAG; what is not published has no digest, and is named by its tag.
        digest=$(digest_of "$REGISTRY/${image#*=}")
        if [ -n "$digest" ]; then
            printf '%s"%s": {"containerimage.digest": "%s"}' "$comma" "${image%%=*}" "$digest"
            comma=', '
        fi
    done
    printf '}\n'
} >build/pushed.json
.venv/bin/genkan images plan --registry "$REGISTRY" --pushed build/pushed.json --output build/catalogue
