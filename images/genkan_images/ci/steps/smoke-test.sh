umask 077
mkdir -p build
if [ -f "$SMOKE_TEST_KUBECONFIG" ]; then
    cp "$SMOKE_TEST_KUBECONFIG" build/kubeconfig
else
    printf '%s\n' "$SMOKE_TEST_KUBECONFIG" >build/kubeconfig
fi
unset SMOKE_TEST_KUBECONFIG
export KUBECONFIG=build/kubeconfig
tools/environment sandbox
# shellcheck disable=SC2086  # a list of options
.venv/bin/genkan images smoke-test "$TARGET" --image "$REGISTRY/$FLAVOUR@$DIGEST" \
    ${SMOKE_TEST_OPTIONS:-} >build/job.json
job=$(kubectl create --output name --filename build/job.json)
trap 'kubectl delete --wait=false "$job"' EXIT
ended=
until [ -n "$ended" ]; do
    sleep "${POLL_SECONDS:-5}"
    ended=$(kubectl get "$job" --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
    # What comes before the last word: pods are ending still.
    case $ended in *Complete* | *Failed*) ;; *) ended= ;; esac
done
kubectl logs "$job" --tail 200 || true
case $ended in
*Complete*) printf '%s works on this cluster.\n' "$FLAVOUR:$TAG" ;;
*)
    kubectl describe "$job"
    printf '%s does not work on this cluster; its own words are above.\n' "$FLAVOUR:$TAG" >&2
    exit 1
    ;;
esac
