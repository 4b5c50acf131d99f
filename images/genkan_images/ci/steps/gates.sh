set --
if [ -n "${EXPLOITED_CATALOGUE:-}" ]; then
    curl --fail --silent --show-error --location --output build/exploited.json "$EXPLOITED_CATALOGUE"
    set -- --exploited build/exploited.json
fi
kept=
reports=build/reports
.venv/bin/genkan images gate vulnerabilities "$reports/image.json" "$reports/base.json" "$@" || kept=1
.venv/bin/genkan images gate secrets "$reports/secrets.json" "$reports/base.json" || kept=1
.venv/bin/genkan images gate size build/image build/base --budget "$SIZE_BUDGET" || kept=1
.venv/bin/genkan images gate licences build/image "$TARGET" || kept=1
.venv/bin/genkan images gate sbom "$reports/sbom.json" || kept=1
[ -z "$kept" ]
