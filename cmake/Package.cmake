# What is installed, and the packages that are made of it.
#
#   cpack --config build/release/CPackConfig.cmake    a .deb for Debian 12: LLVM and MLIR are Debian's packages
#   ./dev wheel                                       a wheel for pip: they are in the compiler (target mpyc-static)
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

# Texts that the compiler writes of its table of options.
set(manual ${PROJECT_BINARY_DIR}/mpyc.1)
set(completion ${PROJECT_BINARY_DIR}/mpyc.bash)
add_custom_command(OUTPUT ${manual} ${completion}
  COMMAND mpyc --print-manual > ${manual}
  COMMAND mpyc --print-completion > ${completion}
  DEPENDS mpyc
  VERBATIM)
add_custom_target(mpyOptionTexts ALL DEPENDS ${manual} ${completion})

write_basic_package_version_file(${PROJECT_BINARY_DIR}/mpyConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/mpy.pc.in ${PROJECT_BINARY_DIR}/mpy.pc @ONLY)

install(TARGETS mpyc RUNTIME DESTINATION bin)
install(TARGETS mpyrt ARCHIVE DESTINATION lib/mpy)
install(FILES ${PROJECT_SOURCE_DIR}/runtime/include/mpy.h DESTINATION include)
install(FILES ${PROJECT_SOURCE_DIR}/cmake/mpyConfig.cmake ${PROJECT_BINARY_DIR}/mpyConfigVersion.cmake
        DESTINATION lib/cmake/mpy)
install(FILES ${PROJECT_BINARY_DIR}/mpy.pc DESTINATION lib/pkgconfig)
install(FILES ${manual} DESTINATION share/man/man1)
install(FILES ${completion} DESTINATION share/bash-completion/completions RENAME mpyc)
# The package for Python, with the files of the library that it runs under CPython.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lang/python/mpy DESTINATION lib/python3/dist-packages
        FILES_MATCHING PATTERN "*.py")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lang/library ${PROJECT_SOURCE_DIR}/lang/drawing DESTINATION lib/python3/dist-packages/mpy
        FILES_MATCHING PATTERN "*.mpy")

# The compiler with LLVM and MLIR in it. Of their libraries, what is not used is left out.
file(GLOB static_libraries ${LLVM_LIBRARY_DIRS}/libMLIR*.a ${LLVM_LIBRARY_DIRS}/libLLVM*.a)
string(REPLACE ".so" ".a" static_antlr "${ANTLR4_RUNTIME}")
if(static_libraries AND EXISTS "${static_antlr}")
  add_executable(mpyc-static EXCLUDE_FROM_ALL ${PROJECT_SOURCE_DIR}/compiler/driver/tools/mpyc.cpp)
  mpy_compile_options(mpyc-static)
  set(own mpyDriver mpyFrontend mpyParser mpyAdjoint mpySource mpyLowering mpyDialect mpyBackend mpySupport)
  add_dependencies(mpyc-static ${own} mpyrt)
  list(TRANSFORM own REPLACE "(.+)" "$<TARGET_FILE:\\1>")
  target_link_libraries(mpyc-static PRIVATE
    -fuse-ld=lld -Wl,--gc-sections -Wl,--strip-all -static-libstdc++ -static-libgcc
    -Wl,--start-group ${own} ${static_libraries} ${static_antlr} -Wl,--end-group
    -l:libz.so.1 -l:libzstd.so.1 -l:libtinfo.so.6)
  set_target_properties(mpyc-static PROPERTIES SKIP_BUILD_RPATH ON)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME mpyc)
set(CPACK_PACKAGE_CONTACT "The developers of mpy <mpy@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Compiler of NumPy programs and their gradients")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
# The shared libraries of the compiler are found by dpkg-shlibdeps. Programs are linked by a compiler of C.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libllvm22 is found through a link of llvm-22-dev, which the search for packages may leave out.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "gcc | clang, libc6-dev, libllvm22")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "lld-22, libopenblas0-pthread, python3-numpy")
include(CPack)
