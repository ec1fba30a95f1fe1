#!/bin/sh
# embed.sh IN OUT: the bytes of a file as the inside of a C array.
set -eu
od -An -v -tu1 "$1" | sed 's/  */,/g; s/^,//; s/$/,/' >"$2"
