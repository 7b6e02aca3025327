# deltamesh_module(name SOURCES ... HEADERS ... DEPS ... [PRIVATE_DEPS ...])
#
# One folder, one library. DEPS is all that the folder's headers may include, PRIVATE_DEPS what only its
# sources may; tests/tidy_test.cc reads the #includes. Headers form a verified set, so that the target
# all_verify_interface_header_sets compiles each of them alone.
function(deltamesh_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;HEADERS;DEPS;PRIVATE_DEPS" ${ARGN})
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
