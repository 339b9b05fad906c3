# cmake -DFOLDER=lang/library -DRESULT=file -P EmbedLibrary.cmake: the files of the library as {path, text}.
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*.mpy)
set(result "")
foreach(name ${files})
  file(READ ${FOLDER}/${name} text)
  string(REGEX REPLACE "\\.mpy$" "" path ${name})
  string(APPEND result "{\"${path}\", R\"library(${text})library\"},\n")
endforeach()
file(WRITE ${RESULT} "${result}")
