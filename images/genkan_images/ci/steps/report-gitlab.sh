umask 077
mkdir -p build
api="$CI_API_V4_URL/projects/$CI_PROJECT_ID/issues"
printf 'header = "PRIVATE-TOKEN: %s"\nfail\nsilent\nshow-error\n' "$ISSUE_TOKEN" >build/curl
trap 'rm -f build/curl' EXIT
for finding in build/findings/*.txt; do
    [ -f "$finding" ] || continue
    title="The nightly scan keeps $(basename "$finding" .txt) back"
    { printf '```\n' && tail -c 60000 "$finding" && printf '\n```\n'; } >build/issue.md
    curl --config build/curl --get --data state=opened --data labels=genkan-images --data per_page=100 \
        --output build/issues.json "$api"
    number=$(
        python3 -c 'import json, sys
print(*[row["iid"] for row in json.load(open(sys.argv[1])) if row["title"] == sys.argv[2]][:1])' \
            build/issues.json "$title"
    )
    if [ -n "$number" ]; then
        curl --config build/curl --request PUT --data-urlencode description@build/issue.md \
            --output build/said.json "$api/$number"
    else
        curl --config build/curl --data-urlencode "title=$title" --data labels=genkan-images \
            --data-urlencode description@build/issue.md --output build/said.json "$api"
    fi
done
