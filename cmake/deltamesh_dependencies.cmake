# Every library that deltamesh stands on, found once; docs/dependencies.md says what each is for.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS headers json)
find_package(CapnProto REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(CLI11 REQUIRED)
find_package(PahoMqttCpp REQUIRED)
find_package(Catch2 2.13 REQUIRED)
find_package(rapidcheck REQUIRED)

find_library(XXHASH_LIBRARY xxhash REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
add_library(deltamesh_xxhash INTERFACE)
target_include_directories(deltamesh_xxhash SYSTEM INTERFACE ${XXHASH_INCLUDE_DIR})
target_link_libraries(deltamesh_xxhash INTERFACE ${XXHASH_LIBRARY})

# For programs that hold a thousand engines in one process. Sanitizers bring an allocator of their own.
find_library(JEMALLOC_LIBRARY jemalloc REQUIRED)
add_library(deltamesh_fleet_allocator INTERFACE)
if(NOT CMAKE_CXX_FLAGS_NONE MATCHES "fsanitize")
  target_link_libraries(deltamesh_fleet_allocator INTERFACE ${JEMALLOC_LIBRARY})
endif()

# Asio and Beast are compiled once each, in transport/boost_asio.cc and transport/boost_beast.cc.
add_library(deltamesh_boost INTERFACE)
target_link_libraries(deltamesh_boost INTERFACE Boost::headers Threads::Threads)
target_compile_definitions(deltamesh_boost INTERFACE BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                                                     BOOST_ASIO_NO_DEPRECATED)
