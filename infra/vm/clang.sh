#!/bin/sh
# Stands in for clang in the kernel tests. On the host it runs the real one (CLANG) and keeps every object it makes under a name made of
# source and options; in a virtual machine, which has no clang, it hands those out again (OBJECTS is the folder of both).
output='' input='' options='' previous=''
for argument in "$@"; do
  case "$previous" in -o) output=$argument ;; esac
  case "$argument" in
  *.c) input=$argument ;;
  -o | -c | -I*) ;;
  *) [ "$previous" = -o ] || options="$options $argument" ;;
  esac
  previous=$argument
done
kept=/nowhere
[ -n "$input" ] && kept="$OBJECTS/$( (cat "$input" && echo "$options") | sha256sum | cut -c1-40).o"
if [ -n "$CLANG" ]; then
  "$CLANG" "$@" || exit
  [ -n "$output" ] && [ -f "$output" ] && cp "$output" "$kept.$$" && mv "$kept.$$" "$kept"
  exit 0
fi
if [ -f "$kept" ]; then
  cp "$kept" "$output"
else
  echo "no object was kept for: clang $*" >&2
  exit 1
fi
