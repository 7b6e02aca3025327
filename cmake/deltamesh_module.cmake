# deltamesh_module(name SOURCES ... HEADERS ... [PRIVATE_HEADERS ...] DEPS ... [PRIVATE_DEPS ...])
#
# One library with its headers, in most folders the only one. DEPS are what HEADERS need, PRIVATE_DEPS what only the
# rest needs; which folder may include which is another matter, held by tests/tidy_test.cc with a table of its own.
#
# Each header compiles alone: HEADERS form a verified set for the target all_verify_interface_header_sets, which sees
# DEPS only; PRIVATE_HEADERS, which may show PRIVATE_DEPS, get a source of their own in the library.
function(deltamesh_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;HEADERS;PRIVATE_HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  foreach(header ${MODULE_PRIVATE_HEADERS})
    set(alone ${CMAKE_CURRENT_BINARY_DIR}/alone/${header}.cc)
    file(CONFIGURE OUTPUT ${alone} CONTENT "#include \"${folder}/${header}\"\n")
    list(APPEND MODULE_SOURCES ${header} ${alone})
  endforeach()
  add_library(deltamesh_${name} STATIC ${MODULE_SOURCES})
  add_library(deltamesh::${name} ALIAS deltamesh_${name})
  target_sources(deltamesh_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${MODULE_HEADERS})
  target_include_directories(deltamesh_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(deltamesh_${name} PUBLIC ${MODULE_DEPS} PRIVATE ${MODULE_PRIVATE_DEPS})
endfunction()

# deltamesh_program(name SOURCES ... DEPS ...): one main() that connects the parts.
function(deltamesh_program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE ${PROGRAM_DEPS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# deltamesh_test(name SOURCES ... DEPS ...): one Catch2 program, run as one ctest.
function(deltamesh_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_DEPS} Catch2::Catch2WithMain rapidcheck)
  target_compile_definitions(${name} PRIVATE DELTAMESH_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             DELTAMESH_BIN_DIR="${PROJECT_BINARY_DIR}/bin")
  add_test(NAME ${name} COMMAND ${name})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT})
endfunction()
