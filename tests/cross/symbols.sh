#!/usr/bin/env bash
# Fails if a program needs a symbol of glibc that is younger than LIMIT, and names each.
#
#   symbols.sh LIMIT PROGRAM...
set -euo pipefail
export LC_ALL=C

limit=$1
shift
failed=0
for program in "$@"; do
    # Undefined symbols read NAME@GLIBC_VERSION; GLIBC_PRIVATE is tied to one build of glibc.
    needed=$(readelf --dyn-syms --wide "$program" | sed -n 's/.* UND \([^ ]*@GLIBC_[^ ]*\).*/\1/p')
    if [ -z "$needed" ]; then
        echo "$program: no symbol of glibc found; is it a dynamically linked program?" >&2
        exit 1
    fi
    young=$(while read -r symbol; do
        version=${symbol##*@GLIBC_}
        oldest=$(printf '%s\n%s\n' "$version" "$limit" | sort -V | head -n 1)
        [ "$version" = "$oldest" ] || echo "$symbol"
    done <<<"$needed")
    highest=$(sed 's/.*@GLIBC_//' <<<"$needed" | sort -Vu | tail -n 1)
    if [ -n "$young" ]; then
        printf '%s needs what glibc %s lacks:\n' "$program" "$limit" >&2
        sed 's/^/  /' <<<"$young" >&2
        failed=1
    else
        printf '%-62s %4d KiB, needs GLIBC_%s (limit %s)\n' \
            "$program" "$(($(stat -c %s "$program") / 1024))" "$highest" "$limit"
    fi
done
exit "$failed"
