digest_of() {
    # What a tag points to; nothing if there is no such tag, and a failure if nobody can tell.
    mkdir -p build
    if skopeo inspect --no-tags --format '{{.Digest}}' "docker://$1" 2>build/said; then
        return
    fi
    case $(cat build/said) in
    *"manifest unknown"* | *"name unknown"* | *"not found"*) ;;
    *)
        printf '%s cannot be looked up: %s\n' "$1" "$(cat build/said)" >&2
        return 1
        ;;
    esac
}
