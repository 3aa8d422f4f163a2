# shellcheck shell=bash
# Sourced by the scripts beside it, after tools.sh: Rust for FreeBSD from any machine.
#
#   freebsd_toolchain       finds a way to compile for FREEBSD_TARGET, and installs what it lacks.
#                           rustup's standard library for the target is the first choice. Where that
#                           cannot be had, or FREEBSD_JAIL_BUILD_STD=1 asks for it, Debian's
#                           toolchain compiles the standard library from source. 1 if neither can be
#
# and after it:
#   freebsd_cargo COMMAND [ARGUMENT...]    cargo, with what the target needs
#   freebsd_linker          makes sure of a linker: the caller's, as
#                           CARGO_TARGET_X86_64_UNKNOWN_FREEBSD_LINKER has it, or zig
#   FREEBSD_HOW             which toolchain it is, in words

FREEBSD_TARGET=x86_64-unknown-freebsd
FREEBSD_HOW=

# Debian's, under names that leave rustup's in peace: what rustup installs comes first in PATH.
freebsd_debian=(rustc-web cargo-web rust-web-src rust-web-clippy)

freebsd_std_is_there() {
    compgen -G "$("${RUSTC:-rustc}" --print target-libdir --target "$FREEBSD_TARGET")/libstd-*.rlib" >/dev/null
}

freebsd_toolchain() {
    [[ -z $FREEBSD_HOW ]] || return 0
    if [[ ${FREEBSD_JAIL_BUILD_STD:-} != 1 ]]; then
        if freebsd_std_is_there ||
            { command -v rustup >/dev/null && rustup --quiet target add "$FREEBSD_TARGET" && freebsd_std_is_there; }; then
            FREEBSD_HOW=$(rustc --version)
            return
        fi
        echo "no standard library for $FREEBSD_TARGET from rustup; compiling it with Debian's toolchain" >&2
    fi
    if ! dpkg-query --show "${freebsd_debian[@]}" >/dev/null 2>&1; then
        tools_apt "${freebsd_debian[@]}" || return 1
    fi
    FREEBSD_HOW="$(/usr/bin/rustc --version), the standard library from source"
    freebsd_std_from_source=yes
}

freebsd_std_from_source=
freebsd_cargo() {
    local command=$1
    shift
    if [[ -z $freebsd_std_from_source ]]; then
        cargo "$command" --target "$FREEBSD_TARGET" "$@"
        return
    fi
    local cargo=(/usr/bin/cargo)
    # By its path: cargo would look for it among rustup's first.
    [[ $command != clippy ]] || cargo=(/usr/bin/cargo-clippy)
    # Of its own, since the standard library is one more dependency there. RUSTC_BOOTSTRAP: stable Rust
    # offers -Zbuild-std to nobody else.
    env RUSTC_BOOTSTRAP=1 CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc \
        CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$tools_repo/target}/build-std" \
        "${cargo[@]}" "$command" --target "$FREEBSD_TARGET" -Zbuild-std=core,alloc,std,panic_abort "$@"
}

freebsd_linker() {
    [[ -z ${CARGO_TARGET_X86_64_UNKNOWN_FREEBSD_LINKER:-} ]] || return 0
    tools_venv
    export TOOLS_PYTHON
    export CARGO_TARGET_X86_64_UNKNOWN_FREEBSD_LINKER=$tools_repo/scripts/freebsd-linker
}
