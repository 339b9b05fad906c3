# How every library of the compiler is built: C++20, warnings on, one precompiled header with the
# parts of MLIR that nearly every file includes, ccache where it is installed.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# An installed compiler finds the shared LLVM where it was linked from.
set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib)
option(MPY_WERROR "Treat warnings as errors" ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=/ CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

# The optimiser of the compiler itself matters less than the time to build it.
string(REPLACE "-O3" "-O1" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")

function(mpy_compile_options target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter -fno-strict-aliasing)
  if(MPY_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/compiler ${PROJECT_BINARY_DIR}/compiler)
  target_include_directories(${target} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  separate_arguments(definitions NATIVE_COMMAND "${LLVM_DEFINITIONS}")
  target_compile_options(${target} PRIVATE ${definitions})
endfunction()

# mpy_library(NAME ..): a static library of every .cpp in this folder.
#   FOLDERS names        .. and of every .cpp in these folders of it
#   LINK targets         what it uses
#   DEPENDS targets      what must be made before
#   PRECOMPILE headers   these and cmake/Precompiled.h are compiled once for the library
#   PRECOMPILED_BY name  the library whose precompiled headers it uses; mpySupport's otherwise
function(mpy_library name)
  cmake_parse_arguments(arg "NO_PRECOMPILED_HEADER" "PRECOMPILED_BY" "LINK;DEPENDS;PRECOMPILE;FOLDERS" ${ARGN})
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  foreach(folder ${arg_FOLDERS})
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cpp)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  add_library(${name} STATIC ${sources})
  mpy_compile_options(${name})
  target_link_libraries(${name} PUBLIC ${arg_LINK} MLIR LLVM)
  if(arg_DEPENDS)
    add_dependencies(${name} ${arg_DEPENDS})
  endif()
  if(arg_NO_PRECOMPILED_HEADER)
    return()
  endif()
  if(arg_PRECOMPILE OR name STREQUAL "mpySupport")
    target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/Precompiled.h ${arg_PRECOMPILE})
    if(name STREQUAL "mpySupport" AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
      target_compile_options(${name} PUBLIC -fpch-instantiate-templates)
      target_compile_options(${name} PUBLIC "SHELL:-Xclang -fno-pch-timestamp")
    endif()
  elseif(arg_PRECOMPILED_BY)
    target_precompile_headers(${name} REUSE_FROM ${arg_PRECOMPILED_BY})
  else()
    target_precompile_headers(${name} REUSE_FROM mpySupport)
  endif()
endfunction()
