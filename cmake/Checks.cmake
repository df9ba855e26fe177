# Targets that look at the sources without building them: format, check-format, cppcheck, tidy.

foreach(folder common gateway broker tests)
  list(APPEND source_patterns ${PROJECT_SOURCE_DIR}/${folder}/*.c)
  list(APPEND header_patterns ${PROJECT_SOURCE_DIR}/${folder}/*.h)
endforeach()
file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${source_patterns})
file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${header_patterns})

# A check whose program is missing must not pass unseen, and must not stop those who only build.
function(rc_check target program)
  find_program(RC_${program} ${program})
  if(RC_${program})
    add_custom_target(${target} COMMAND ${RC_${program}} ${ARGN}
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
  else()
    add_custom_target(${target} COMMAND ${CMAKE_COMMAND} -E echo "${program} is not installed: deploy/install-deps --test"
      COMMAND ${CMAKE_COMMAND} -E false)
  endif()
endfunction()

list(JOIN sources "\n" source_lines)
list(JOIN headers "\n" header_lines)
file(WRITE ${PROJECT_BINARY_DIR}/sources.txt "${source_lines}\n")
file(WRITE ${PROJECT_BINARY_DIR}/sources-and-headers.txt "${source_lines}\n${header_lines}\n")
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/cppcheck)

rc_check(format clang-format -i --files=${PROJECT_BINARY_DIR}/sources-and-headers.txt)
rc_check(check-format clang-format --dry-run -Werror --files=${PROJECT_BINARY_DIR}/sources-and-headers.txt)

# identicalInnerCondition is off: version 2.10 reports `if (*at) return *at;`. It reads no system headers, so that the macros of
# queue.h have to be given.
find_path(RC_QUEUE_DIR sys/queue.h PATHS /usr/include /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
rc_check(cppcheck cppcheck -q -j2 --error-exitcode=1 --std=c11 --language=c --inline-suppr
  --enable=warning,performance,portability --suppress=identicalInnerCondition
  --cppcheck-build-dir=${PROJECT_BINARY_DIR}/cppcheck
  --include=${RC_QUEUE_DIR}/sys/queue.h -D_GNU_SOURCE -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/common -I${PROJECT_SOURCE_DIR}/tests/load
  --file-list=${PROJECT_BINARY_DIR}/sources.txt)

rc_check(tidy run-clang-tidy -quiet -p ${PROJECT_BINARY_DIR}
  "^${PROJECT_SOURCE_DIR}/(common|gateway|broker|tests)/")
