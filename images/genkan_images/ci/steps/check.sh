tools/environment sandbox
.venv/bin/genkan images lint
.venv/bin/genkan images ci --platform "$PLATFORM" --output . --check
.venv/bin/genkan images gate sources
