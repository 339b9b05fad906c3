# cmake -DNAME=variable -DSOURCE=file -DRESULT=file -P EmbedText.cmake: a text file as a C++ constant.
file(READ ${SOURCE} text)
file(WRITE ${RESULT} "// From ${NAME}.\nstatic constexpr const char ${NAME}[] = R\"page(${text})page\";\n")
