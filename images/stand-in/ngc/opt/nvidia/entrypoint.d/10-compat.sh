# As NVIDIA's check does where there is no driver; LD_LIBRARY_PATH is what forward compatibility changes.
export NVIDIA_CPU_ONLY=1
export LD_LIBRARY_PATH="/usr/local/cuda/compat/lib.real${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
echo "stand-in: the base's entrypoint ran" >&2
