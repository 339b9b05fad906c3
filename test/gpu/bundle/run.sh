#!/bin/sh
# Runs the programs of this folder on the GPU of this machine, compares what they print, and measures.
# Needs an x86-64 Linux machine with NVIDIA's driver. `run.sh passes` leaves the measurements out.
cd "$(dirname "$0")" || exit 2
folder=$PWD
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for program in programs/*; do
  name=${program#programs/}
  mkdir -p "$work/$name" && cp -r data/. "$work/$name/" 2>/dev/null
  (cd "$work/$name" && MPY_DEVICE=cuda MPY_GPU_MIN=0 timeout 300 "$folder/$program" $(cat "$folder/expected/$name.arguments") >"$work/found" 2>"$work/errors")
  code=$?
  if [ "$code" = "$(cat "expected/$name.code")" ] &&
    awk -v relative="$(cat "expected/$name.relative")" -f compare.awk "expected/$name.out" "$work/found"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name (exit code $code)"
    head -5 "$work/errors"
  fi
done
echo "$passed passed, $failed failed"
[ "$1" = passes ] && exit "$((failed > 0))"
nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null
date -u +%Y-%m-%d
echo "program            mpy"
for program in figures/*; do
  MPY_DEVICE=cuda timeout 300 "$program"
done
for library in torch jax; do
  python3 -c "import $library" 2>/dev/null && { echo "with $library"; timeout 600 python3 peers.py "$library"; }
done
exit "$((failed > 0))"
