pinned() {
    # A program is the one that was chosen, or is not started: scanners have been tampered with.
    program=$(command -v "$1") || {
        printf 'This runner has no %s.\n' "$1" >&2
        return 1
    }
    printf '%s  %s\n' "$2" "$program" | sha256sum --check --quiet || {
        printf '%s is not the one whose SHA-256 is set.\n' "$program" >&2
        return 1
    }
}
