# Read by CMake right after llama.cpp's own project(): the package switches the common library on
# by force, a plain variable hides that. Without it the build takes a fifth of the time.
set(LLAMA_BUILD_COMMON OFF)
