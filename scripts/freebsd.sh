# shellcheck shell=bash
# Sourced by the scripts beside it, after tools.sh: Rust for FreeBSD from any machine.
#
#   freebsd_toolchain [ARCHITECTURE]    finds a way to compile for an architecture of FreeBSD (x86_64), or for
#                           this machine if that is `native`, and
#                           installs what it lacks. The first choice is a standard library from rustup.
#                           Where there is none, or FREEBSD_JAIL_BUILD_STD=1 is set, the standard library is
#                           compiled from source: rustup's, or Debian's with Debian's toolchain (the only
#                           choice for FREEBSD_JAIL_BUILD_STD=debian). 1 if nothing works
#
# and after it:
#   freebsd_cargo COMMAND [ARGUMENT...]    cargo, with what the target needs
#   freebsd_linker          finds a linker: the one that Cargo's variable for the target names, as
#                           CARGO_TARGET_X86_64_UNKNOWN_FREEBSD_LINKER, or zig. 1 if there is none
#   FREEBSD_TARGET          the target, as Rust names it
#   FREEBSD_HOW             the toolchain, in words
#   FREEBSD_LINKER          the linker

FREEBSD_TARGET=x86_64-unknown-freebsd
FREEBSD_HOW=
FREEBSD_LINKER=

# shellcheck disable=SC2154 # of tools.sh
freebsd_repo=$tools_repo

# Debian's packages do not replace rustup's toolchain: that comes first in PATH.
freebsd_debian=(rustc-web cargo-web rust-web-src rust-web-clippy)

freebsd_host() { "${RUSTC:-rustc}" -vV | sed -n 's/^host: //p'; }

freebsd_std_is_there() {
    compgen -G "$("${RUSTC:-rustc}" --print target-libdir --target "$FREEBSD_TARGET")/libstd-*.rlib" >/dev/null
}

freebsd_source_is_there() {
    [[ -f $(rustc --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml ]]
}

freebsd_toolchain() {
    local wanted
    case ${1:-x86_64} in
    armv7) wanted=armv7-unknown-freebsd ;;
    riscv64) wanted=riscv64gc-unknown-freebsd ;;
    native) wanted=$(freebsd_host) ;;
    x86_64 | aarch64 | i686 | powerpc64) wanted=${1:-x86_64}-unknown-freebsd ;;
    *) tools_fail "no architecture that FreeBSD and Rust share: $1" ;;
    esac
    [[ $FREEBSD_TARGET != "$wanted" || -z $FREEBSD_HOW ]] || return 0
    FREEBSD_TARGET=$wanted FREEBSD_HOW='' freebsd_std_from=''
    if [[ -z ${FREEBSD_JAIL_BUILD_STD:-} ]]; then
        # rustup ends with a backtrace where it cannot download.
        if freebsd_std_is_there || { command -v rustup >/dev/null &&
            rustup --quiet target add "$FREEBSD_TARGET" >/dev/null 2>&1 && freebsd_std_is_there; }; then
            FREEBSD_HOW=$(rustc --version)
            return
        fi
    fi
    if [[ ${FREEBSD_JAIL_BUILD_STD:-} != debian ]]; then
        if freebsd_source_is_there || { command -v rustup >/dev/null &&
            rustup --quiet component add rust-src >/dev/null 2>&1 && freebsd_source_is_there; }; then
            FREEBSD_HOW="$(rustc --version), the standard library from source"
            freebsd_std_from=rustup
            return
        fi
    fi
    if ! dpkg-query --show "${freebsd_debian[@]}" >/dev/null 2>&1; then
        tools_apt "${freebsd_debian[@]}" || return 1
    fi
    FREEBSD_HOW="$(/usr/bin/rustc --version), the standard library from source"
    freebsd_std_from=debian
}

freebsd_std_from=
freebsd_cargo() {
    local command=$1 cargo=(cargo) toolchain=()
    shift
    if [[ -z $freebsd_std_from ]]; then
        cargo "$command" --target "$FREEBSD_TARGET" "$@"
        return
    fi
    if [[ $freebsd_std_from == debian ]]; then
        toolchain=(CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc)
        cargo=(/usr/bin/cargo)
        # By its path: cargo would look for it among rustup's first.
        [[ $command != clippy ]] || cargo=(/usr/bin/cargo-clippy)
    fi
    # Stable Rust has -Zbuild-std only with this variable. All clones share the folder, so that the standard
    # library is compiled once; CARGO_TARGET_DIR may differ.
    env RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$TOOLS_DIR/build-std" "${toolchain[@]}" \
        "${cargo[@]}" "$command" --target "$FREEBSD_TARGET" -Zbuild-std=core,alloc,std,panic_abort "$@"
}

# Removes these packages' files from the folder that all clones share.
freebsd_tidy() {
    [[ ! -d $TOOLS_DIR/build-std ]] || cargo clean --quiet --package freebsd-jail --package freebsd-jail-sim --target-dir "$TOOLS_DIR/build-std" \
        2>/dev/null || true
}

freebsd_linker() {
    local variable=CARGO_TARGET_${FREEBSD_TARGET//-/_}_LINKER
    variable=${variable^^}
    FREEBSD_LINKER=${!variable:-}
    [[ -z $FREEBSD_LINKER ]] || return 0
    # zig's names, and those of which it has FreeBSD's libc.
    case $FREEBSD_TARGET in
    "$(freebsd_host)")
        FREEBSD_LINKER=cc
        return
        ;;
    x86_64-*) FREEBSD_ZIG_TARGET=x86_64-freebsd.14.3 ;;
    aarch64-*) FREEBSD_ZIG_TARGET=aarch64-freebsd.14.3 ;;
    i686-*) FREEBSD_ZIG_TARGET=x86-freebsd.14.3 ;;
    *) return 1 ;;
    esac
    tools_venv
    FREEBSD_LINKER=$freebsd_repo/scripts/freebsd-linker
    export TOOLS_PYTHON FREEBSD_ZIG_TARGET "$variable=$FREEBSD_LINKER"
}
