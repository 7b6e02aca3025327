# shellcheck shell=bash disable=SC2034
# scripts/lib/packages.sh - the Debian packages that each command needs; docs/dependencies.md says what for.

packages_build=(
  ca-certificates ccache cmake g++-12 git mold ninja-build pkg-config python3
  capnproto libcapnp-dev
  libboost1.81-dev libboost-json1.81-dev
  libcli11-dev libfmt-dev libspdlog-dev libtomlplusplus-dev libxxhash-dev
  libpaho-mqtt-dev libpaho-mqttpp-dev libssl-dev
  libsqlite3-dev
  libjemalloc-dev
  catch2 librapidcheck-dev
)
packages_test=(mosquitto mosquitto-clients curl socat sqlite3 valgrind zstd)
packages_clang=(clang-14 libclang-rt-14-dev llvm-14)
packages_lint=(clang-format-14 clang-tidy-14 shellcheck)
packages_tarantool=(tarantool)
packages_nats=(nats-server)
