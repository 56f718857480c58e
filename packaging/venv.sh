# Sourced by demo, test and bench: makes .venv beside pyproject.toml, with the pinned packages and wabox itself in it.
#
# Needs Python 3.11 or newer and, on a Debian or Ubuntu that lacks them, apt for Python or its venv module. A second run
# finds its stamp and does nothing. Everything that pip says goes to a log that is shown only when something fails.
#
# Use:  . packaging/venv.sh && wabox_venv requirements.txt
# Elsewhere than in .venv: set venv after that line's first half.
venv=.venv

say() { printf '%s\n' "$*" >&2; }

fail() { say "wabox: $*"; exit 1; }

# as_root COMMAND...: runs it as root, through sudo where we are not.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null 2>&1; then sudo "$@"
    else return 1
    fi
}

# apt_install PACKAGE...: false when there is no apt, no root, or no such package. The lists are read anew only when
# they turn out to be too old or missing: that takes longer than most installs.
apt_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    say "wabox: installing $* with apt ..."
    apt_log=$(mktemp) || return 1
    if as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$apt_log" 2>&1 ||
        { as_root apt-get update -q >"$apt_log" 2>&1 &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >"$apt_log" 2>&1; }
    then
        rm -f "$apt_log"
        return 0
    fi
    tail -n 5 "$apt_log" >&2
    rm -f "$apt_log"
    return 1
}

# A name on the PATH may be a version switcher's shim that runs nothing, so each candidate has to answer.
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# `venv` imports on a Debian without python3-venv; only `ensurepip` tells.
can_make_venv() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }

# find_python: prints the first Python that is new enough and can make an environment; failing that, one that is only
# new enough.
find_python() {
    only_new_enough=
    for candidate in ${PYTHON:-} python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3 /usr/bin/python3.11; do
        new_enough "$candidate" || continue
        if can_make_venv "$candidate"; then
            printf '%s\n' "$candidate"
            return 0
        fi
        [ -n "$only_new_enough" ] || only_new_enough=$candidate
    done
    [ -n "$only_new_enough" ] && printf '%s\n' "$only_new_enough"
}

# make_venv: an empty $venv, whatever has to be installed for it.
make_venv() {
    python=$(find_python) || true
    if [ -z "$python" ]; then
        apt_install python3 python3-venv || true
        python=$(find_python) || true
        [ -n "$python" ] || fail "needs Python 3.11 or newer, and none was found. Install one, or set PYTHON to its path."
    fi
    if ! can_make_venv "$python"; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        apt_install "python$version-venv" || apt_install python3-venv || true
        can_make_venv "$python" ||
            fail "$python cannot make a virtual environment. Install Python's venv module (Debian: python$version-venv)."
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv" || fail "$python could not make $venv in $PWD."
}

# wabox_venv FILE: $venv holds what packaging/FILE pins. Call it in the folder of pyproject.toml.
wabox_venv() {
    # The folder is part of the stamp: an environment that was moved or copied still runs from its old place.
    stamp_file=$venv/wabox-$1.stamp
    stamp="$PWD $(cat packaging/requirements*.txt pyproject.toml | cksum)"
    [ -x "$venv/bin/wabox" ] && [ "$(cat "$stamp_file" 2>/dev/null)" = "$stamp" ] && return 0

    say "wabox: setting up $venv (once; about a minute) ..."
    # pip's own script names the interpreter that it was installed for.
    grep -qsF "$PWD/$venv/bin/" "$venv/bin/pip" && new_enough "$venv/bin/python" || make_venv
    log=$venv/setup.log
    # Only hatchling, pinned like the rest, builds wabox: without build isolation nothing else is fetched.
    if ! {
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes -r "packaging/$1" &&
            "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --no-deps --no-build-isolation -e .
    } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        fail "could not install what packaging/$1 names; the whole log is in $log."
    fi
    printf '%s\n' "$stamp" >"$stamp_file"
}
