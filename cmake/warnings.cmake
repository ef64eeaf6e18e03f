# One list of warnings for the whole tree; a flag that a compiler does not know is left out.
set(SLUICE_WARNINGS
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
  -Wmissing-prototypes -Wold-style-definition -Wvla -Walloca -Wcast-align -Wcast-qual -Wundef
  -Wpointer-arith -Wwrite-strings -Wformat=2 -Wnull-dereference -Wimplicit-fallthrough -Wswitch-enum
  -Wdouble-promotion)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND SLUICE_WARNINGS -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Warith-conversion)
  # Texts for people are cut by snprintf on purpose; gcc cannot tell that from a mistake, and sees it
  # only at some levels of optimisation.
  list(APPEND SLUICE_WARNINGS -Wno-format-truncation)
else()
  list(APPEND SLUICE_WARNINGS -Wcomma -Wunreachable-code -Wmissing-variable-declarations
       -Wshorten-64-to-32 -Wassign-enum -Wno-gnu-zero-variadic-macro-arguments)
endif()
add_compile_options(${SLUICE_WARNINGS})
option(SLUICE_WERROR "warnings are errors" OFF)
if(SLUICE_WERROR)
  add_compile_options(-Werror)
endif()

# Hardening of the release build (OpenSSF guide). Assertions stay on: an assertion is cheaper than a lost record.
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  string(REPLACE "-O3" "-O2" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
                      -fstack-clash-protection)
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  set(CMAKE_POSITION_INDEPENDENT_CODE ON)
  check_ipo_supported(RESULT SLUICE_IPO OUTPUT SLUICE_IPO_WHY LANGUAGES C)
  option(SLUICE_LTO "link-time optimisation in the release build" ON)
  if(SLUICE_IPO AND SLUICE_LTO)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  endif()
endif()
