mkdir -p build
gh label create genkan-images --force --description 'Images that are kept back'
for finding in build/findings/*.txt; do
    [ -f "$finding" ] || continue
    title="The nightly scan keeps $(basename "$finding" .txt) back"
    { printf '```\n' && tail -c 60000 "$finding" && printf '\n```\n'; } >build/issue.md
    number=$(gh issue list --label genkan-images --state open --limit 200 --json number,title \
        --jq ".[] | select(.title == \"$title\") | .number")
    if [ -n "$number" ]; then
        gh issue edit "$number" --body-file build/issue.md
    else
        gh issue create --title "$title" --label genkan-images --body-file build/issue.md
    fi
done
