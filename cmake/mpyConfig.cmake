# find_package(mpy): the compiler of an installed mpy, and
#
#   mpy_add_library(TARGET model.mpy [SHARED] [EXPORT f..] [GRAD f[:wrt=0,1]..] [VJP ..] [JVP ..] [HVP ..]
#                   [OPTIONS ..] [DEPENDS other.mpy..])
#
# a library of exported functions. Who links it finds its header, model.h, and mpy.h. EXPORT and its like add to what the
# decorator @export marks; DEPENDS are modules that model.mpy imports.
get_filename_component(MPY_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(MPY_COMPILER "${MPY_PREFIX}/bin/mpyc" CACHE FILEPATH "The compiler of .mpy programs")

if(NOT TARGET mpy::runtime)
  add_library(mpy::runtime STATIC IMPORTED)
  set_target_properties(mpy::runtime PROPERTIES
    IMPORTED_LOCATION "${MPY_PREFIX}/lib/mpy/libmpyrt.a"
    INTERFACE_INCLUDE_DIRECTORIES "${MPY_PREFIX}/include"
    INTERFACE_LINK_LIBRARIES "mvec;m;${CMAKE_DL_LIBS}")
endif()

function(mpy_add_library target source)
  cmake_parse_arguments(PARSE_ARGV 2 arg "SHARED" "" "EXPORT;GRAD;VJP;JVP;HVP;OPTIONS;DEPENDS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "mpy_add_library: what is '${arg_UNPARSED_ARGUMENTS}'?")
  endif()
  get_filename_component(stem "${source}" NAME_WE)
  get_filename_component(path "${source}" ABSOLUTE)
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${target}.mpy")
  file(MAKE_DIRECTORY "${folder}")
  set(options ${arg_OPTIONS})
  foreach(kind EXPORT GRAD VJP JVP HVP)
    string(TOLOWER ${kind} option)
    foreach(name ${arg_${kind}})
      list(APPEND options "--${option}=${name}")
    endforeach()
  endforeach()
  add_custom_command(
    OUTPUT "${folder}/${stem}.o" "${folder}/${stem}.h"
    COMMAND "${MPY_COMPILER}" ${options} -c "${path}" -o "${folder}/${stem}.o"
    COMMAND "${MPY_COMPILER}" ${options} --emit=header "${path}" -o "${folder}/${stem}.h"
    DEPENDS "${path}" "${MPY_COMPILER}" ${arg_DEPENDS}
    COMMENT "Compiling ${source}"
    VERBATIM)
  set(type STATIC)
  if(arg_SHARED)
    set(type SHARED)
  endif()
  add_library(${target} ${type} "${folder}/${stem}.o" "${folder}/${stem}.h")
  set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  set_source_files_properties("${folder}/${stem}.o" PROPERTIES EXTERNAL_OBJECT TRUE GENERATED TRUE)
  target_include_directories(${target} PUBLIC "${folder}")
  target_link_libraries(${target} PUBLIC mpy::runtime)
  if(arg_SHARED)
    # Callers use of the runtime what the object does not.
    target_link_options(${target} PRIVATE "-Wl,-u,mpy_ctx_new_for")
  endif()
endfunction()
