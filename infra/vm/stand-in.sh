#!/bin/sh
# Stands in for clang, llvm-objcopy and llvm-strip in the kernel tests. On the host it runs the real one (in REAL_TOOLS) and keeps every object it
# makes under a name made of source and options; in a virtual machine, which has none, it hands those out again (OBJECTS: both folders).
tool=$(basename "$0")
output='' input='' options=$tool previous=''
for argument in "$@"; do
  case "$previous" in -o) output=$argument ;; esac
  case "$argument" in
  *.c | *.o) [ "$previous" = -o ] || input=$argument ;;
  -o | -c | -I*) ;;
  *) [ "$previous" = -o ] || options="$options $argument" ;;
  esac
  previous=$argument
done
[ "$tool" = clang ] || output=$input
kept=/nowhere
[ -n "$input" ] && kept="$OBJECTS/$( (cat "$input" && echo "$options") | sha256sum | cut -c1-40).o"
if [ -n "$REAL_TOOLS" ]; then
  "$REAL_TOOLS/$tool" "$@" || exit
  [ -n "$output" ] && [ -f "$output" ] && cp "$output" "$kept.$$" && mv "$kept.$$" "$kept"
  exit 0
fi
if [ -f "$kept" ]; then
  cp "$kept" "$output"
else
  echo "no object was kept for: $tool $*" >&2
  exit 1
fi
