# cmake -DIN=FILE -DOUT=FILE.c -DNAME=SYMBOL -P Embed.cmake: the bytes of a file as a C array, SYMBOL and SYMBOL_len.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include <stddef.h>
extern const unsigned char ${NAME}[];
extern const size_t ${NAME}_len;
const unsigned char ${NAME}[] = {${bytes}};
const size_t ${NAME}_len = sizeof ${NAME};
")
