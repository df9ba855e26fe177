# Settings that every target of the project shares, and the libraries it stands on.

option(RC_WERROR "Warnings are errors" ON)
set(RC_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined or thread")

add_compile_definitions(_GNU_SOURCE RC_VERSION="${PROJECT_VERSION}")
add_compile_options(-fno-omit-frame-pointer)
if(RC_SANITIZE)
  add_compile_options(-fsanitize=${RC_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RC_SANITIZE})
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(nng CONFIG REQUIRED)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core libevent_extra)
pkg_check_modules(PROTOBUFC REQUIRED IMPORTED_TARGET libprotobuf-c)
pkg_check_modules(JWT REQUIRED IMPORTED_TARGET libjwt)
pkg_check_modules(LMDB REQUIRED IMPORTED_TARGET lmdb)
pkg_check_modules(PQ REQUIRED IMPORTED_TARGET libpq)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(CRYPTO REQUIRED IMPORTED_TARGET libcrypto)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
pkg_check_modules(INIH REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(YAJL REQUIRED IMPORTED_TARGET yajl)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
find_program(PROTOC_C protoc-c REQUIRED)

# Our own code is compiled with these; generated and packaged sources are not.
function(rc_strict target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    -Wstrict-prototypes -Wmissing-prototypes -Wvla $<$<BOOL:${RC_WERROR}>:-Werror>)
endfunction()

# A library of every .c file in the calling folder (and the given subfolders), without main.c.
function(rc_library target)
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  foreach(sub ${ARGN})
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/${sub}/*.c)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  add_library(${target} STATIC ${sources})
  rc_strict(${target})
endfunction()
